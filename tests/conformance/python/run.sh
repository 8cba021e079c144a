#!/usr/bin/env bash
# Generates Python stubs, starts dmld with an empty data directory, and runs client.py against it.
#   run.sh DMLD PROTOC GRPC_PYTHON_PLUGIN PROTO_FOLDER
# Exit code 77: skipped, because something that it needs is not installed.
set -euo pipefail
dmld="$1" protoc="$2" plugin="$3" proto="$4"
python=/usr/bin/python3
here="$(cd "$(dirname "$0")" && pwd)"

skip() {
  echo "skipped: $1"
  exit 77
}
[ -x "$python" ] && "$python" -c 'import grpc, google.protobuf' 2>/dev/null || skip "no python3-grpcio"
[ -x "$protoc" ] && [ -x "$plugin" ] || skip "no protoc or no grpc_python_plugin"
command -v openssl >/dev/null || skip "no openssl command line"

work="$(mktemp -d)"
daemon=""
finish() {
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; }
  rm -rf "$work"
}
trap finish EXIT

mkdir "$work/stubs" "$work/scratch"
(cd "$proto" && "$protoc" -I . --python_out="$work/stubs" --grpc_python_out="$work/stubs" \
  --plugin=protoc-gen-grpc_python="$plugin" google/rpc/*.proto dml/v1/*.proto dml/journal/v1/*.proto)

HOME="$work/home" "$dmld" --data-dir "$work/data" --listen 127.0.0.1:0 >"$work/log" 2>&1 &
daemon=$!
for _ in $(seq 300); do
  grep -q '^client profile:' "$work/log" && break
  kill -0 "$daemon" 2>/dev/null || break
  sleep 0.1
done
if ! grep -q '^client profile:' "$work/log"; then
  cat "$work/log"
  echo "dmld does not listen"
  exit 1
fi

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$work/stubs" "$python" -s "$here/client.py" \
  "$(cat "$work/data/listen-address")" "$work/data/tls/ca.pem" "$work/data/client/admin.pem" \
  "$work/data/client/admin.key" "$(cat "$work/data/origin")" "$work/data/client/log.pem" \
  "$work/data/client/root.key" "$work/scratch"
kill "$daemon"
wait "$daemon"
daemon=""
