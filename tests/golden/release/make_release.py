#!/usr/bin/env python3
"""Makes release.json, a sealed release document, anew from docs/formats.md ("Release") alone.

  make_release.py             writes the file beside this one
  make_release.py --check     exits with 1 where it is not what it would write
"""
import hashlib
import json
import os
import sys


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob(data):
    return {"digest": digest(data), "size": len(data)}


def variant(package, version):
    return f"packages/{package}/versions/{version}/variants/linux-amd64"


def release():
    return {
        "schema": "dml.release/v1", "name": "payments", "version": "2.4.0", "type": "MAJOR",
        "environments": ["production/eu", "staging"],
        "window": {"from": "2027-03-27T22:00:00Z", "until": "2027-03-28T02:00:00Z"},
        "items": [
            {"variant": variant("acme/payments-api", "2.4.0"), "manifest": blob(b"api"),
             "action": "UPGRADE", "previous": variant("acme/payments-api", "1.9.3"),
             "changes": ["CHG-1", "CHG-2"], "nodes": {"role": "api", "zone": "ä"}},
            {"variant": variant("acme/ledger", "1.0.0"), "manifest": blob(b"ledger"),
             "action": "INSTALL", "configuration": blob(b"port: 1"), "changes": ["CHG-2"]},
            {"variant": variant("acme/old", "0.9.0"), "manifest": blob(b"old"), "action": "REMOVE"},
            {"variant": variant("acme/proxy", "5.1.0"), "manifest": blob(b"proxy"),
             "action": "CONFIGURE", "configuration": blob(b"route: 2")}],
        "changes": [
            {"id": "CHG-2", "title": "Pay by card \u2013 without a break", "kind": "FEATURE",
             "risk": "MEDIUM", "problems": ["PRB-7", "PRB-8"], "authorizedBy": "p-17",
             "key": digest(b"key"), "link": "https://changes.example/2"},
            {"id": "CHG-1", "title": "Mend the rounding", "kind": "FIX", "risk": "LOW",
             "authorizedBy": "p-18"},
            {"id": "CHG-3", "title": "Nobody said yes"}],
        "evidence": ["https://in-toto.io/attestation/test-result/v0.1",
                     "https://slsa.dev/provenance/v1"],
        "risk": {"acceptedBy": "p-3", "upTo": 120},
        "backOut": {"to": "RELEASE", "release": digest(b"2.3.0")}}


def main():
    text = json.dumps(release(), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "release.json")
    if sys.argv[1:] == ["--check"]:
        with open(path, "rb") as file:
            sys.exit(0 if file.read() == text.encode() else 1)
    with open(path, "wb") as file:
        file.write(text.encode())


main()
