#!/usr/bin/python3
"""Makes agent-state.json and inventory.json from docs/formats.md alone. --check compares them."""
import hashlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


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


def inventory_item(version, use, changed, **more):
    return {"variant": f"packages/acme/api/versions/{version}/variants/linux-amd64",
            "manifest": {"digest": digest(f"manifest of acme/api {version}"), "size": 25},
            "use": use, "changed": changed, **more}


INVENTORY = {
    "schema": "dml.inventory/v1", "environment": "production/eu", "node": "node-1", "sequence": 7,
    "time": "2026-06-01T12:00:00Z", "release": "payments 2.0.0",
    "permit": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "items": [inventory_item("2.0.0", "RUNS", True, configuration=digest("configuration")),
              inventory_item("1.0.0", "KEPT", False)],
    "foreign": ["/opt/dml/acme/mine", "/opt/dml/other"],
}

FILES = {"agent-state.json": json.dumps(STATE, indent=1, sort_keys=True) + "\n",
         "inventory.json": json.dumps(INVENTORY, separators=(",", ":"), sort_keys=True) + "\n"}
for name, text in FILES.items():
    if "--check" not in sys.argv:
        (FOLDER / name).write_text(text)
    elif (FOLDER / name).read_text() != text:
        sys.exit(f"{name} is not what {__file__} makes")
