#!/usr/bin/python3
"""A release from the library to the nodes: the real daemon, the real agents, each with the certificate of
its node and nothing but what its permit names. Usage: run_story.py DMLD DML DML-AGENT"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

DMLD, DML, AGENT = (os.path.abspath(p) for p in sys.argv[1:4])
PLACE = "production/eu"
POLICY = """schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
approvals: [{approvers: 1}]
"""
SPEC = {"schema": "dml.package/v1", "package": "acme/tool", "version": "1.0.0", "versionScheme": "semver",
        "license": {"declared": "MIT"}}
CHANGES = {"schema": "dml.changes/v1", "changes": [{"id": "CHG-1", "title": "Pay by card", "packages": ["*"],
                                                    "authorizedBy": "p-1"}]}


def run(program, *words, code=0):
    done = subprocess.run([program, "--output", "json", *words] if program != DMLD else [program, *words],
                          capture_output=True, text=True, env={**os.environ, "HOME": os.getcwd()})
    assert done.returncode == code, f"{words}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout) if program != DMLD and done.stdout else None


def dml(*words, code=0):
    return run(DML, "--profile", "data/client/profile.yaml", *words, code=code)


def agent(node, *words, code=0):
    return run(AGENT, "--config", f"{node}/agent.yaml", *(words or ("run-once",)), code=code)


def installed(node):
    file = Path(node) / "apps/acme/tool/current/files/tool"
    return file.read_bytes() if file.exists() else None


def stages():
    nodes = dml("rollout", "nodes", "payments@1.0.0", "--environment", PLACE)
    return {n["node"].rsplit("/", 1)[1]: n["stage"] for n in nodes["items"]}


def prepare(content):
    server = next(l for l in Path("data/client/profile.yaml").read_text().splitlines() if l.startswith("server:"))
    address = server.split()[1].strip('"')
    dml("namespace", "create", "acme")
    for name, role, where in [("ann", "publisher", "acme"), ("rita", "release", "*"), ("amy", "approver", "*"),
                              ("paul", "policy", "*")]:
        dml("key", "generate", "--out", name)
        dml("key", "register", "--key", name, "--owner", name, "--role", role, "--namespace", where)
    for name in ("production", PLACE):
        dml("environment", "create", name)
    Path("policy.yaml").write_text(POLICY)
    Path("spec.json").write_text(json.dumps(SPEC))
    Path("changes.json").write_text(json.dumps(CHANGES))
    Path("tool").write_bytes(content)
    dml("policy", "set", "--environment", "production", "policy.yaml", "--key", "paul")
    dml("package", "publish", "--spec", "spec.json", "--file", "tool", "--key", "ann")
    for node in ("web-1", "web-2"):
        dml("node", "create", node, "--environment", PLACE)
        run(DMLD, "issue-certificate", "--data-dir", "data", "--name", node, "--role", "node", "--out",
            f"{node}/client", "--server", address)
        Path(node, "agent.yaml").write_text(f"""environment: {PLACE}
node: {node}
stateDir: state
rootFile: ../data/client/root.json
profile: client/profile.yaml
handlers:
  - {{name: apps, kind: DIRECTORY, packages: ["acme/*"], root: apps}}
""")


def story(daemon):
    content = b"".join(i.to_bytes(4, "big") for i in range(75_000))
    prepare(content)
    assert agent("web-1")["phase"] == "IDLE"
    dml("release", "compose", "--name", "payments", "--version", "1.0.0", "--type", "PATCH", "--environment",
        "production", "--variant", "acme/tool@1.0.0", "--changes", "changes.json", "--out", "release.json")
    dml("release", "seal", "release.json", "--key", "rita")
    dml("release", "approve", "payments@1.0.0", "--environment", PLACE, "--key", "amy")
    permit = dml("permit", "issue", "payments@1.0.0", "--environment", PLACE)["permit"]["id"]
    agent("web-1")
    assert installed("web-1") is None, "a permit alone begins nothing"
    dml("rollout", "start", "payments@1.0.0", "--environment", PLACE, "--permit", permit, "--wave", "50%", "--wave",
        "100%")
    agent("web-2")
    assert installed("web-2") is None, "its wave has not begun"
    last = agent("web-1")["last"]
    assert last["stage"] == "CONFIRMED" and last["permit"] == permit, last
    assert installed("web-1") == content
    assert stages() == {"web-1": "CONFIRMED", "web-2": "PENDING"}, stages()
    assert agent("web-2")["last"]["stage"] == "CONFIRMED"
    assert installed("web-2") == content
    agent("web-1")
    assert stages() == {"web-1": "CONFIRMED", "web-2": "CONFIRMED"}, stages()
    assert len(dml("permit", "show", permit)["uses"]) == 2, "each node began once"
    assert agent("web-1", "verify")["intact"]
    daemon.kill()
    daemon.wait()
    assert agent("web-2", code=6)["waiting"], "what runs goes on running"
    assert installed("web-2") == content


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        daemon = subprocess.Popen([DMLD, "--data-dir", "data", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, env={**os.environ, "HOME": folder})
        try:
            for line in daemon.stdout:
                if line.startswith("listening on "):
                    break
            else:
                sys.exit("the daemon did not start")
            story(daemon)
        finally:
            daemon.kill()
            daemon.wait()


main()
