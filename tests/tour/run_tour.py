#!/usr/bin/env python3
"""Runs the commands of the README's tour, exactly as they stand there, in an empty folder.

usage: run_tour.py README DMLD DML

The port and the profile's place are the only things replaced, so that the test disturbs nobody.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    readme, dmld, dml = (Path(a).resolve() for a in sys.argv[1:4])
    blocks = re.findall(r"^```tour\n(.*?)^```", readme.read_text(), re.M | re.S)
    if len(blocks) < 5:
        sys.exit(f"only {len(blocks)} tour blocks found in {readme}")
    folder = Path(tempfile.mkdtemp(prefix="dml-tour-"))
    env = dict(os.environ, HOME=str(folder), XDG_CONFIG_HOME=str(folder / "config"),
               PATH=f"{dmld.parent}:{dml.parent}:{os.environ['PATH']}")
    env.pop("DML_PROFILE", None)
    daemon = None
    try:
        for number, block in enumerate(blocks, 1):
            start, _, rest = block.partition("\n")
            if start.startswith("dmld "):
                command = start.removesuffix(" &").replace("127.0.0.1:7443", "127.0.0.1:0")
                daemon = subprocess.Popen(command.split(), cwd=folder, env=env)
                block = rest
            print(f"--- block {number}\n{block}", flush=True)
            result = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=env,
                                    timeout=60)
            if result.returncode != 0:
                sys.exit(f"block {number} of the tour failed with {result.returncode}")
    finally:
        if daemon is not None:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(blocks)} blocks passed")


if __name__ == "__main__":
    main()
