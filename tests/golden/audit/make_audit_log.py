#!/usr/bin/env python3
"""Makes the golden audit log from docs/formats.md, "Audit log", alone."""
import hashlib
import json
import pathlib

REFUSALS = [
    ("2026-03-01T12:00:00Z", {"principal": "-", "peer": "ipv4:10.0.0.7:50412",
                              "method": "/dml.v1.CatalogService/GetPackage",
                              "reason": "TOKEN_INVALID"}),
    ("2026-03-01T12:00:01Z", {"principal": "spiffe://x/principals/Jürgen \"J\"",
                              "peer": "ipv6:[::1]:9", "method": "/http/checkpoint",
                              "reason": "ROLE_REQUIRED"}),
    ("2026-03-01T12:01:00Z", {"unwritten": {"ROLE_REQUIRED": 3, "TOKEN_INVALID": 70000}}),
    ("2026-03-01T12:02:00Z", {"repair": "cut 57 bytes of a torn line off audit-000001.jsonl"}),
]

previous = bytes(32)
out = b""
for number, (time, rest) in enumerate(REFUSALS, 1):
    line = json.dumps(
        {"line": number, "time": time, "previous": "sha256:" + previous.hex(), **rest},
        ensure_ascii=False, separators=(",", ":")).encode()
    previous = hashlib.sha256(line).digest()
    out += line + b"\n"
pathlib.Path(__file__).with_name("audit-000001.jsonl").write_bytes(out)
