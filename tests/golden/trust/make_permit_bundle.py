#!/usr/bin/env python3
"""Makes permit-bundle.json and permit-root.json anew, from the formats' descriptions alone.

Python and the openssl command, nothing of this project: docs/formats.md ("Permit bundle", "Trust
root", "Journal"), DSSE 1.0, in-toto Statement v1, SLSA verification summary v1, RFC 6962, and C2SP's
tlog-proof, tlog-checkpoint, signed-note and tlog-cosignature.

  make_permit_bundle.py             writes both files beside this one
  make_permit_bundle.py --check     exits with 1 where they are not what it would write, with 77
                                    where there is no openssl command
"""
import base64
import datetime
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

ORIGIN = "library.example/dml"
IN_TOTO = "application/vnd.in-toto+json"


def sha256(data):
    return hashlib.sha256(data).digest()


def digest(data):
    return "sha256:" + sha256(data).hex()


def b64(data):
    return base64.b64encode(data).decode()


def micros(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1_000_000


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def indented(value, indent):
    return json.dumps(value, sort_keys=True, indent=indent, ensure_ascii=False) + "\n"


class Key:
    """Ed25519; the seed is SHA-256("dml test key <name>")."""

    def __init__(self, name):
        self.holder = name.split(".")[0]
        self.der = bytes.fromhex("302e020100300506032b657004220420") + sha256(
            b"dml test key " + name.encode())
        self.spki = subprocess.run(
            ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"],
            input=self.der, capture_output=True, check=True).stdout
        self.raw = self.spki[-32:]
        self.id = sha256(self.spki).hex()

    def sign(self, message):
        with tempfile.TemporaryDirectory() as folder:
            key, text = os.path.join(folder, "key"), os.path.join(folder, "message")
            for path, data in ((key, self.der), (text, message)):
                with open(path, "wb") as file:
                    file.write(data)
            return subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in",
                 text], capture_output=True, check=True).stdout


NAMES = ["rob", "ron", "rita", "paul", "ann", "carl", "amy", "abe", "pat", "pat.2", "wim", "ci-log",
         "ci-permit"]
KEYS = {}  # By name; filled in by main().


def envelope(payload_type, payload, names):
    """DSSE 1.0."""
    payload = payload.encode()
    message = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload),
                                       payload)
    return compact({"payloadType": payload_type, "payload": b64(payload),
                    "signatures": [{"keyid": KEYS[name].id, "sig": b64(KEYS[name].sign(message))}
                                   for name in names]})


def claim(predicate_type, subject, predicate, names):
    return envelope(IN_TOTO, compact({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": sha256(subject).hex()}}],
        "predicateType": predicate_type, "predicate": predicate}), names)


def trust_root():
    def role(threshold, names):
        return {"threshold": threshold, "keys": sorted(KEYS[name].id for name in names)}

    def delegation(name, of, subject, names):
        return {"name": name, "role": of, "subjects": [subject], "terminating": False,
                **role(1, names)}
    keys = [{"holder": key.holder, "scheme": "ed25519", "publicKey": b64(key.spki),
             "kind": "MACHINE" if key.holder.startswith("ci") else "PERSON"}
            for key in sorted(KEYS.values(), key=lambda key: key.id)]
    return indented({
        "schema": "dml.root/v1", "origin": ORIGIN, "version": 1,
        "expires": "2027-01-01T00:00:00Z", "keys": keys,
        "roles": {"root": role(2, ["rob", "ron"]), "log": role(1, ["ci-log"]),
                  "permit": role(1, ["ci-permit"]), "policy": role(1, ["paul"]),
                  "release": role(1, ["rita"]), "witness": role(1, ["wim"])},
        "delegations": [delegation("acme", "publisher", "acme/*", ["ann"]),
                        delegation("other", "publisher", "other/*", ["carl"]),
                        delegation("production", "approver", "production/*",
                                   ["amy", "abe", "pat", "pat.2"])]}, 2)


def variant(package, version="2.0.0"):
    return f"packages/{package}/versions/{version}/variants/linux-amd64"


def manifest(package):
    return b"manifest of " + package.encode()


def release():
    def item(package, action, **more):
        return {"variant": variant(package), "action": action, "changes": ["CHG-1"],
                "manifest": {"digest": digest(manifest(package)), "size": len(manifest(package))},
                **more}
    return indented({
        "schema": "dml.release/v1", "name": "payments", "version": "2.0.0", "type": "MINOR",
        "environments": ["production"], "backOut": {"to": "BASELINE"},
        "items": [item("acme/api", "UPGRADE", previous=variant("acme/api", "1.9.0")),
                  item("acme/old", "REMOVE"), item("other/tool", "INSTALL")],
        "changes": [{"id": "CHG-1", "title": "Pay by card", "authorizedBy": "pat",
                     "link": "https://changes.example/1"}]}, 1)


def publication(package, name):
    return claim("https://dml.dev/publication/v1", manifest(package), {
        "package": package, "version": "2.0.0", "platform": "linux-amd64",
        "manifestMediaType": "application/vnd.oci.image.manifest.v1+json"}, [name])


# Protocol Buffers: what an entry needs of them.
def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def number_field(tag, number):
    return varint(tag << 3) + varint(number)


def bytes_field(tag, data):
    return varint(tag << 3 | 2) + varint(len(data)) + data


def decision_entry(index, time, permit, decided):
    statement = base64.b64decode(json.loads(permit)["payload"])
    blob = bytes_field(1, sha256(statement)) + number_field(2, len(statement))
    message = (bytes_field(1, decided["id"].encode()) + number_field(2, 1) +
               bytes_field(3, decided["release"]) +
               bytes_field(4, decided["environment"].encode()) +
               b"".join(bytes_field(5, node.encode()) for node in decided["nodes"]) +
               bytes_field(6, decided["policy"]) + number_field(7, decided["policyRevision"]) +
               number_field(8, decided["journalSize"]) + bytes_field(9, decided["findings"]) +
               bytes_field(10, blob) + number_field(11, decided["expires"]) +
               number_field(12, decided["notBefore"]))
    return (number_field(1, index) + number_field(2, time) + bytes_field(3, b"pat") +
            bytes_field(34, message))


# RFC 6962, 2.1.
def tree(leaves):
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:]))


def audit_path(index, leaves):
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return audit_path(index, leaves[:k]) + [tree(leaves[k:])]
    return audit_path(index - k, leaves[k:]) + [tree(leaves[:k])]


def note_line(name, key, kind, signature, time=b""):
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + key.raw)[:4]
    return f"\u2014 {name} {b64(key_id + time + signature)}\n"


def checkpoint(leaves, witnessed):
    text = f"{ORIGIN}\n{len(leaves)}\n{b64(tree(leaves))}\n"
    log, witness = KEYS["ci-log"], KEYS["wim"]
    seen = f"cosignature/v1\ntime {witnessed}\n{text}"
    return (text + "\n" + note_line(ORIGIN, log, 1, log.sign(text.encode())) +
            note_line("wim.example", witness, 4, witness.sign(seen.encode()),
                      struct.pack(">Q", witnessed)))


def log_proof(index, leaves, witnessed):
    return (f"c2sp.org/tlog-proof@v1\nextra {b64(leaves[index])}\nindex {index}\n" +
            "".join(b64(node) + "\n" for node in audit_path(index, leaves)) + "\n" +
            checkpoint(leaves, witnessed))


def bundle():
    document, policy = release(), "schema: dml.policy/v1\n"
    seen = digest(b"findings that approvers saw")
    out = {
        "schema": "dml.permit-bundle/v1", "roots": [], "delegations": [], "history": [],
        "release": document,
        "releaseEnvelope": claim("https://dml.dev/release/v1", document.encode(), {
            "name": "payments", "version": "2.0.0",
            "mediaType": "application/vnd.dml.release.v1+json"}, ["rita"]),
        "policy": policy,
        "policyEnvelope": claim("https://dml.dev/policy/v1", policy.encode(), {
            "environment": "production", "revision": 7, "approvers": 2,
            "separatePublishers": True, "publishers": 1, "witnesses": 1,
            "maxRevocationAge": 24 * 3600}, ["paul"]),
        "publications": [publication("acme/api", "ann"), publication("other/tool", "carl")],
        "approvals": [claim("https://dml.dev/approval/v1", document.encode(), {
            "environment": "production/eu", "findings": seen,
            "expires": "2026-06-08T00:00:00Z"}, [name]) for name in ("amy", "abe")]}
    inputs = [out["releaseEnvelope"], out["policyEnvelope"], *out["publications"],
              *out["approvals"]]
    permit_id, nodes = "0f8fad5b-d9cb-469f-a165-70867728950e", ["node-1", "node-2"]
    out["permit"] = claim("https://slsa.dev/verification_summary/v1", document.encode(), {
        "verifier": {"id": f"dml:{ORIGIN}"}, "timeVerified": "2026-06-01T08:00:00Z",
        "resourceUri": f"dml:{ORIGIN}/releases/payments/versions/2.0.0",
        "policy": {"uri": f"dml:{ORIGIN}/environments/production/policies/7",
                   "digest": {"sha256": sha256(policy.encode()).hex()}},
        "inputAttestations": [{"digest": {"sha256": sha256(item.encode()).hex()}}
                              for item in inputs],
        "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
        "slsaVersion": "1.0",
        "https://dml.dev/permit/v1": {
            "id": permit_id, "environment": "production/eu", "nodes": nodes,
            "notBefore": "2026-06-01T10:00:00Z", "expires": "2026-06-07T00:00:00Z",
            "maxRevocationAge": 48 * 3600, "journalSize": 7, "policyRevision": 7,
            "findings": digest(b"findings"), "approvedFindings": seen,
            "order": [variant(name) for name in ("other/tool", "acme/api", "acme/old")]}},
        ["ci-permit"])
    leaves = [f"entry {index}".encode() for index in range(12)]
    leaves[8] = decision_entry(8, micros("2026-06-01T08:00:00Z"), out["permit"], {
        "id": permit_id, "release": sha256(document.encode()), "environment": "production/eu",
        "nodes": nodes, "policy": sha256(policy.encode()), "policyRevision": 7, "journalSize": 7,
        "findings": sha256(b"findings"), "expires": micros("2026-06-07T00:00:00Z"),
        "notBefore": micros("2026-06-01T10:00:00Z")})
    out["logProof"] = log_proof(8, leaves, micros("2026-06-01T08:10:00Z") // 1_000_000)
    return indented(out, 1)


def main():
    if shutil.which("openssl") is None:
        print("skipped: no openssl command line")
        return 77
    KEYS.update((name, Key(name)) for name in NAMES)
    folder = os.path.dirname(os.path.abspath(__file__))
    root = envelope("application/vnd.dml.root.v1+json", trust_root(), ["rob", "ron"])
    for name, text in (("permit-root.json", root), ("permit-bundle.json", bundle())):
        path = os.path.join(folder, name)
        if sys.argv[1:] == ["--check"]:
            with open(path, encoding="utf-8", newline="") as file:
                if file.read() != text:
                    print(f"{path} is not what this program makes")
                    return 1
            continue
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
