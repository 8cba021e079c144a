"""A client of dmld in another language, made from proto/ and docs/formats.md alone.

  client.py ADDRESS CA CERTIFICATE KEY ORIGIN LOG_KEY ROOT_KEY SCRATCH

Publishes and queries over mutual TLS with stubs that protoc made (on PYTHONPATH), signs with the
openssl command line, and checks what the library says with hashlib. Ends at the first surprise.
"""
import base64
import hashlib
import json
import subprocess
import sys
import uuid
from pathlib import Path

import grpc
from dml.journal.v1 import entry_pb2
from dml.v1 import (admin_pb2, admin_pb2_grpc, catalog_pb2, catalog_pb2_grpc, common_pb2,
                    compatibility_pb2, compatibility_pb2_grpc, content_pb2, content_pb2_grpc,
                    environment_pb2, environment_pb2_grpc, gate_pb2, gate_pb2_grpc, journal_pb2,
                    journal_pb2_grpc, key_pb2, key_pb2_grpc, license_pb2, license_pb2_grpc,
                    policy_pb2, policy_pb2_grpc, trust_pb2, trust_pb2_grpc)
from google.rpc import error_details_pb2, status_pb2

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
PACKAGE_TYPE = "application/vnd.dml.package.v1+json"
SPEC_TYPE = "application/vnd.dml.package.spec.v1+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PUBLICATION_TYPE = "https://dml.dev/publication/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
POLICY = """\
schema: dml.policy/v1
content: {allowedNamespaces: [py]}
signatures: {threshold: 1}
licenses: {allow: [MIT], deny: [SSPL-1.0]}
"""


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, check=True,
                          capture_output=True).stdout


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}", flush=True)


class Signer:
    """An ECDSA P-256 key, used through the openssl command line."""

    def __init__(self, folder):
        self.private = folder / "signer.key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.private)
        self.public_pem = openssl("pkey", "-in", self.private, "-pubout").decode()
        self.id = hashlib.sha256(openssl("pkey", "-in", self.private, "-pubout", "-outform", "DER")).hexdigest()

    def envelope(self, statement):
        """A DSSE envelope: the signature covers PAE(type, body)."""
        body = json.dumps(statement).encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(body), body)
        signature = openssl("dgst", "-sha256", "-sign", self.private, stdin=pae)
        return json.dumps({"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(body).decode(),
                           "signatures": [{"keyid": self.id, "sig": base64.b64encode(signature).decode()}]}
                          ).encode()


def reason_of(error):
    """The stable word of an error: google.rpc.ErrorInfo in the trailers."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return ""


def root_of_proof(leaf, index, size, proof):
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    node, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    for sibling in proof:
        expect(last > 0, "the proof is not too long")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    expect(last == 0, "the proof is not too short")
    return node


def open_checkpoint(note, origin, log_key, folder):
    """(size, root) of a signed note (C2SP tlog-checkpoint), once its signature is good."""
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    name, size, root = text.splitlines()[:3]
    expect(name == origin, "the checkpoint is of the journal that the profile names")
    line = next(s for s in signatures.splitlines() if s.startswith(f"\u2014 {origin} "))
    (folder / "note.sig").write_bytes(base64.b64decode(line.split(" ")[2])[4:])
    (folder / "note.txt").write_bytes(text.encode())
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", log_key, "-rawin", "-in", folder / "note.txt",
            "-sigfile", folder / "note.sig")
    print("ok: the checkpoint is signed by the pinned log key")
    return int(size), base64.b64decode(root)


class Library:
    def __init__(self, channel):
        self.admin = admin_pb2_grpc.AdminServiceStub(channel)
        self.catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        self.compatibility = compatibility_pb2_grpc.CompatibilityServiceStub(channel)
        self.content = content_pb2_grpc.ContentServiceStub(channel)
        self.environments = environment_pb2_grpc.EnvironmentServiceStub(channel)
        self.gate = gate_pb2_grpc.GateServiceStub(channel)
        self.journal = journal_pb2_grpc.JournalServiceStub(channel)
        self.keys = key_pb2_grpc.KeyServiceStub(channel)
        self.licenses = license_pb2_grpc.LicenseServiceStub(channel)
        self.policies = policy_pb2_grpc.PolicyServiceStub(channel)
        self.trust = trust_pb2_grpc.TrustServiceStub(channel)

    def write(self, data, size_of_part=100_000):
        blob = common_pb2.Blob(digest=digest(data), size=len(data))

        def messages():
            first = content_pb2.WriteBlobRequest(namespace="py", blob=blob)
            for start in range(0, max(len(data), 1), size_of_part):
                first.data = data[start:start + size_of_part]
                yield first
                first = content_pb2.WriteBlobRequest()
        response = self.content.WriteBlob(messages())
        expect(response.committed_size == len(data), f"{len(data)} bytes are written")
        return blob


def documents(name, version, license_text, files, requires=()):
    """The exact bytes of manifest and package spec; files: {path: blob}."""
    spec = json.dumps({
        "schema": "dml.package/v1", "package": f"py/{name}", "version": version, "versionScheme": "semver",
        "license": {"declared": license_text},
        "requires": [{"anyOf": [{"name": f"py/{target}", "range": wanted}]} for target, wanted in requires],
    }).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": PACKAGE_TYPE,
        "config": {"mediaType": SPEC_TYPE, "digest": digest(spec), "size": len(spec)},
        "layers": [{"mediaType": "application/octet-stream", "digest": blob.digest, "size": blob.size,
                    "annotations": {"org.opencontainers.image.title": path}} for path, blob in files.items()],
    }).encode()
    return manifest, spec


def publish(library, signer, name, version, license_text, files, requires=()):
    manifest, spec = documents(name, version, license_text, files, requires)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"{name} {version}", "digest": {"sha256": hashlib.sha256(manifest).hexdigest()}}],
        "predicateType": PUBLICATION_TYPE,
        "predicate": {"package": f"py/{name}", "version": version, "platform": "any",
                      "manifestMediaType": MANIFEST_TYPE},
    }
    request = catalog_pb2.PublishVersionRequest(manifest=manifest, spec=spec,
                                                envelopes=[signer.envelope(statement)],
                                                request_id=str(uuid.uuid4()))
    return request, library.catalog.PublishVersion(request)


ROOT_TYPE = "application/vnd.dml.root.v1+json"


def let_vouch(library, signer, holder, namespace, root_key):
    """Sets the next trust root, in which the key publishes in a namespace (docs/formats.md)."""
    newest = max(library.trust.ListRoots(trust_pb2.ListRootsRequest()).roots, key=lambda r: r.version)
    envelope = json.loads(newest.envelope)
    root = json.loads(base64.b64decode(envelope["payload"]))
    root["version"] += 1
    spki = openssl("pkey", "-in", signer.private, "-pubout", "-outform", "DER")
    root["keys"].append({"holder": holder, "kind": "PERSON", "scheme": "ecdsa-p256-der",
                         "publicKey": base64.b64encode(spki).decode()})
    root["keys"].sort(key=lambda k: hashlib.sha256(base64.b64decode(k["publicKey"])).hexdigest())
    root["delegations"].append({"name": f"{namespace}-publisher", "role": "publisher",
                                "subjects": [f"{namespace}/*"], "terminating": False,
                                "threshold": 1, "keys": [signer.id]})
    body = json.dumps(root).encode()
    folder = Path(signer.private).parent
    (folder / "root.pae").write_bytes(
        b"DSSEv1 %d %s %d %s" % (len(ROOT_TYPE), ROOT_TYPE.encode(), len(body), body))
    signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", root_key, "-in", folder / "root.pae")
    key_id = hashlib.sha256(openssl("pkey", "-in", root_key, "-pubout", "-outform", "DER")).hexdigest()
    library.trust.SetRoot(trust_pb2.SetRootRequest(
        envelope=json.dumps({"payloadType": ROOT_TYPE, "payload": base64.b64encode(body).decode(),
                             "signatures": [{"keyid": key_id,
                                             "sig": base64.b64encode(signature).decode()}]}).encode(),
        request_id=str(uuid.uuid4())))


def set_up(library, signer, root_key):
    library.catalog.CreateNamespace(catalog_pb2.CreateNamespaceRequest(
        namespace="py", labels={"language": "python"}, request_id=str(uuid.uuid4())))
    let_vouch(library, signer, "py", "py", root_key)
    key = library.keys.GetKey(key_pb2.GetKeyRequest(name=f"keys/{signer.id}")).key
    expect(key.algorithm == "ecdsa-p256" and key.grants[0].role == "publisher",
           "the next trust root lets the key publish")
    library.environments.CreateEnvironment(environment_pb2.CreateEnvironmentRequest(
        environment="test", request_id=str(uuid.uuid4())))
    library.policies.SetPolicy(policy_pb2.SetPolicyRequest(
        environment="environments/test", document=POLICY, request_id=str(uuid.uuid4())))


def check_catalog(library, request, response, data, blob):
    name = response.variant.name
    expect(name == "packages/py/app/versions/1.0.0/variants/any", "the version is published")
    again = library.catalog.PublishVersion(request)
    expect(again.receipt.replayed and again.receipt.index == response.receipt.index,
           "the same request id gives the same receipt")
    try:
        library.catalog.PublishVersion(catalog_pb2.PublishVersionRequest(
            manifest=request.manifest, spec=request.spec, envelopes=request.envelopes))
        expect(False, "a version is published once")
    except grpc.RpcError as error:
        expect(error.code() == grpc.StatusCode.ALREADY_EXISTS and reason_of(error) == "VERSION_EXISTS",
               "a version is published once")
    listed = library.catalog.ListVariants(catalog_pb2.ListVariantsRequest(package="packages/py/app")).variants
    expect([v.name for v in listed] == [name], "it is listed")
    found = library.catalog.SearchVariants(catalog_pb2.SearchVariantsRequest(filter="license = MIT")).variants
    expect(name in [v.name for v in found], "it is found by a filter")
    details = library.catalog.GetVariant(catalog_pb2.GetVariantRequest(name=name))
    expect(details.manifest == request.manifest and details.spec == request.spec and
           details.attestations[0].envelope_data == request.envelopes[0], "its documents are the exact bytes")
    read = b"".join(m.data for m in library.content.ReadBlob(
        content_pb2.ReadBlobRequest(name=name, digest=blob.digest)))
    expect(read == data, "its file reads back")
    tail = b"".join(m.data for m in library.content.ReadBlob(
        content_pb2.ReadBlobRequest(name=name, digest=blob.digest, offset=123_456, limit=1000)))
    expect(tail == data[123_456:124_456], "a part of its file reads back")


def check_questions(library, app, lib):
    outcome = library.licenses.EvaluateLicense(license_pb2.EvaluateLicenseRequest(
        variant=app, environment="environments/test")).outcome
    expect(outcome == license_pb2.LICENSE_OUTCOME_ALLOW, "its license is allowed")
    matches = library.licenses.FindPackagesByLicense(
        license_pb2.FindPackagesByLicenseRequest(license="SSPL-1.0")).matches
    expect([m.variant for m in matches] == [lib], "the license index finds the other one")
    check = library.compatibility.CheckSet(compatibility_pb2.CheckSetRequest(variants=[app, lib]))
    expect(check.outcome == compatibility_pb2.COMPATIBILITY_OUTCOME_COMPATIBLE, "the two fit together")
    check = library.compatibility.CheckSet(compatibility_pb2.CheckSetRequest(variants=[app]))
    expect(check.outcome == compatibility_pb2.COMPATIBILITY_OUTCOME_INCOMPATIBLE and check.violation_count == 1,
           "one alone lacks the other")
    who = library.compatibility.WhoRequires(compatibility_pb2.WhoRequiresRequest(name="py/lib")).matches
    expect([m.variant for m in who] == [app], "the index knows who requires it")
    answer = library.gate.Evaluate(gate_pb2.EvaluateRequest(variants=[app, lib], environment="environments/test"))
    rules = [f.rule for f in answer.findings]
    expect(answer.decision == gate_pb2.DECISION_DENY and rules == ["license.denied"],
           f"the gate denies for the license alone: {rules}")


def check_log(library, receipt, origin, log_key, folder):
    size, root = open_checkpoint(receipt.checkpoint, origin, log_key, folder)
    proof = library.journal.GetInclusionProof(
        journal_pb2.GetInclusionProofRequest(index=receipt.index, tree_size=size))
    expect(root_of_proof(proof.leaf, receipt.index, size, proof.proof) == root, "the receipt's entry is in the log")
    entry = entry_pb2.Entry.FromString(proof.leaf)
    expect(entry.version_published.package == "py/app" and entry.index == receipt.index,
           "the leaf is the entry of the publish")
    verdict = library.admin.VerifyViews(admin_pb2.VerifyViewsRequest())
    expect(verdict.consistent, "the views are what the journal says")


def main():
    address, ca, certificate, key, origin, log_key, root_key, scratch = sys.argv[1:]
    folder = Path(scratch)
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(
        Path(ca).read_bytes(), Path(key).read_bytes(), Path(certificate).read_bytes()))
    library = Library(channel)
    signer = Signer(folder)
    set_up(library, signer, root_key)
    data = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(20_000))
    blob = library.write(data)
    request, response = publish(library, signer, "app", "1.0.0", "MIT", {"bin/app": blob},
                                [("lib", "vers:semver/>=1.0.0")])
    _, other = publish(library, signer, "lib", "1.2.0", "SSPL-1.0", {"lib.so": library.write(b"lib")})
    check_catalog(library, request, response, data, blob)
    check_questions(library, response.variant.name, other.variant.name)
    check_log(library, response.receipt, origin, log_key, folder)
    print("everything went as it must")


if __name__ == "__main__":
    main()
