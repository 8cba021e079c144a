"""DSSE envelopes, keys and trust roots between dml and Python's cryptography: each reads and
verifies what the other made."""
import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

TYPE = "https://in-toto.io/attestation/test-result/v0.1"
STATEMENT = "application/vnd.in-toto+json"
ALGORITHMS = ["ed25519", "ecdsa-p256"]


def dml(*words, code=0):
    """Runs a command that must end with this code; what it printed as JSON."""
    done = subprocess.run([os.environ["DML"], "--output", "json", *words], capture_output=True, text=True)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout if code in (0, 3) else done.stderr)


def pae(payload_type, body):
    """The DSSE specification's own definition."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def verify(key, signature, message):
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))


def sign(key, message):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def new_key(algorithm):
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def public_pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def write_private(path, data):
    Path(path).write_bytes(data)
    os.chmod(path, 0o600)


def verifies(key, envelope, signature=None):
    """Whether the key has signed what the envelope holds."""
    body = base64.b64decode(envelope["payload"], validate=True)
    raw = signature or base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
    try:
        verify(key, raw, pae(envelope["payloadType"], body))
        return True
    except InvalidSignature:
        return False


def our_envelopes_verify_there(algorithm):
    dml("key", "generate", "--algorithm", algorithm, "--out", f"{algorithm}.key")
    key = serialization.load_pem_public_key(Path(f"{algorithm}.key.pub").read_bytes())
    Path("artifact").write_bytes(b"x" * 70000)
    Path("predicate").write_text('{"result": "PASSED"}')
    dml("attest", "sign", "--type", TYPE, "--subject", "artifact", "--predicate", "predicate", "--key",
        f"{algorithm}.key", "--out", "ours.json")
    envelope = json.loads(Path("ours.json").read_text())
    assert verifies(key, envelope)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert envelope["signatures"][0]["keyid"] == hashlib.sha256(der).hexdigest()
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["subject"][0]["digest"]["sha256"] == hashlib.sha256(b"x" * 70000).hexdigest()
    assert not verifies(key, {**envelope, "payloadType": "text/plain"})
    assert not verifies(key, {**envelope, "payload": base64.b64encode(b"{}").decode()})
    assert not verifies(new_key(algorithm).public_key(), envelope)


def their_envelopes_verify_here(algorithm):
    key = new_key(algorithm)
    Path("theirs.pub").write_bytes(public_pem(key.public_key()))
    digest = hashlib.sha256(b"theirs").hexdigest()
    body = json.dumps({"_type": "https://in-toto.io/Statement/v1", "predicateType": TYPE, "predicate": {},
                       "subject": [{"name": "caf\u00e9", "digest": {"sha256": digest}}]}, indent=1).encode()

    def envelope(payload_type, encode=base64.b64encode, signed=body):
        return {"payload": encode(body).decode(), "payloadType": payload_type,
                "signatures": [{"sig": encode(sign(key, pae(payload_type, signed))).decode()}]}

    def check(value, code):
        Path("theirs.json").write_text(json.dumps(value))
        return dml("attest", "verify", "theirs.json", "--key", "theirs.pub", "--subject", "sha256:" + digest, code=code)

    assert check(envelope(STATEMENT), 0)["subjects"] == [{"name": "caf\u00e9", "digest": "sha256:" + digest}]
    assert check(envelope(STATEMENT, base64.urlsafe_b64encode), 0)["verified"]
    assert check(envelope("text/plain"), 3)["reason"] == "PAYLOAD_TYPE_UNEXPECTED"
    assert check(envelope(STATEMENT, signed=body + b" "), 3)["reason"] == "SIGNATURE_MISSING"
    unsigned = {**envelope(STATEMENT), "signatures": []}
    Path("theirs.json").write_text(json.dumps(unsigned))
    assert dml("attest", "verify", "theirs.json", "--key", "theirs.pub", code=2)["error"]["reason"] == "SIGNATURE_MISSING"


def keys_are_read_by_both(algorithm):
    write_private("passphrase", b"correct horse\n")
    write_private("theirs.key", new_key(algorithm).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"correct horse")))
    theirs = serialization.load_pem_private_key(Path("theirs.key").read_bytes(), b"correct horse")
    shown = dml("key", "show", "theirs.key", "--passphrase-file", "passphrase")
    assert shown["publicKey"].encode() == public_pem(theirs.public_key())

    dml("key", "generate", "--algorithm", algorithm, "--passphrase-file", "passphrase", "--out", f"locked-{algorithm}")
    ours = serialization.load_pem_private_key(Path(f"locked-{algorithm}").read_bytes(), b"correct horse")
    assert public_pem(ours.public_key()) == Path(f"locked-{algorithm}.pub").read_bytes()


def trust_roots_verify_there():
    """An Ed25519 holder, an ECDSA one whose signatures are DER, and one whose are r || s."""
    for name, algorithm in [("log", "ed25519"), ("pat", "ed25519"), ("ann", "ecdsa-p256"), ("bob", "ecdsa-p256")]:
        dml("key", "generate", "--algorithm", algorithm, "--out", name)
    dml("root", "init", "--origin", "library.example/dml", "--log-key", "log.pub", "--holder", "pat", "--key",
        "pat.pub", "--out", "root")
    dml("root", "add-key", "root", "--role", "root", "--holder", "ann", "--key", "ann.pub")
    dml("root", "add-key", "root", "--role", "root", "--holder", "bob", "--key", "bob.pub", "--raw-signatures",
        "--threshold", "3")
    for name in ["pat", "ann", "bob"]:
        dml("root", "sign", "root", "--key", name)
    envelope = json.loads(Path("root").read_text())
    for name, signature in zip(["pat", "ann", "bob"], envelope["signatures"]):
        raw = base64.b64decode(signature["sig"], validate=True)
        if name == "bob":
            assert len(raw) == 64
            raw = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key = serialization.load_pem_public_key(Path(name + ".pub").read_bytes())
        assert verifies(key, envelope, raw)
        assert not verifies(key, {**envelope, "payload": base64.b64encode(b"{}").decode()}, raw)


for each in ALGORITHMS:
    our_envelopes_verify_there(each)
    their_envelopes_verify_here(each)
    keys_are_read_by_both(each)
trust_roots_verify_there()
print("cryptography: envelopes, keys and roots verify in both directions")
