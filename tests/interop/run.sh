#!/usr/bin/env bash
# Runs one program of this folder, which has dml and an independent implementation read each other.
#   run.sh PROGRAM DML NODE_MODULES
# The program gets DML in the environment and an empty folder as its working directory. Exit code
# 77: skipped, because something that it needs is not installed.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
program="$here/$1" dml="$2" modules="$3"

skip() {
  echo "skipped: $1"
  exit 77
}

case "$program" in
  *.cjs)
    command -v node >/dev/null || skip "no node"
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || skip "node is older than 20"
    export NODE_PATH="$modules"
    for name in $(node -p 'Object.keys(require(process.argv[1]).dependencies).join(" ")' "$here/package.json"); do
      node -e 'require.resolve(process.argv[1])' "$name" 2>/dev/null ||
        skip "npm package $name is not installed: tools/dev interop-setup"
    done
    run=(node "$program")
    ;;
  *.py)
    # Debian's own, as the package is.
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import cryptography' 2>/dev/null ||
      skip "no python3-cryptography"
    run=(/usr/bin/python3 -s "$program")
    ;;
esac

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
export DML="$dml" HOME="$work" PYTHONDONTWRITEBYTECODE=1
"${run[@]}"
