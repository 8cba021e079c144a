#!/usr/bin/python3
"""Makes agent-state.json from docs/formats.md, "Agent state", alone. --check compares it."""
import hashlib
import json
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent / "agent-state.json"


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def blob(text):
    return {"digest": digest(text), "size": len(text)}


def item(package, version, handler="apps", configuration=None):
    namespace, name = package.split("/")
    out = {"variant": f"packages/{namespace}/{name}/versions/{version}/variants/linux-amd64",
           "manifest": blob(f"manifest of {package} {version}"), "handler": handler}
    if configuration:
        out["configuration"] = blob(configuration)
    return out


def deployment_set(generation, items, changed):
    release = f"payments {generation}"
    return {"generation": generation, "permit": f"permit-{generation}", "release": release,
            "releaseDigest": digest(release), "logIndex": 10 * generation,
            "expires": "2026-06-07T00:00:00Z", "items": items, "changed": changed}


STATE = {
    "schema": "dml.agent-state/v1", "environment": "production/eu", "node": "node-1",
    "phase": "CHECKING", "attempts": 2, "generation": 2, "logTime": "2026-06-01T08:10:00Z",
    "active": deployment_set(1, [item("acme/api", "1.0.0")], ["acme/api"]),
    "pending": deployment_set(2, [item("acme/api", "2.0.0", configuration="configuration")], ["acme/api"]),
    "previous": [deployment_set(3, [item("acme/api", "0.9.0")], ["acme/api"])],
    "retired": [item("acme/old", "1.0.0", "debs")],
    "decisions": [{"package": "acme/api", "logIndex": 10}],
    "last": {"sequence": 6, "permit": "permit-3", "stage": "FAILED", "reason": "DISK_FULL",
             "message": "no space is left", "time": "2026-06-01T12:00:00Z"},
    "reports": [{"sequence": 7, "permit": "permit-2", "stage": "STAGED", "time": "2026-06-01T12:00:00Z"}],
    "nextSequence": 8,
}

text = json.dumps(STATE, indent=1, sort_keys=True) + "\n"
if "--check" in sys.argv:
    sys.exit(0 if FILE.read_text() == text else f"{FILE} is not what {__file__} makes")
FILE.write_text(text)
