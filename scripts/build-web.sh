#!/usr/bin/env bash
# Builds the web client and packs it for the server: build-web.sh OUT-DIR writes assets.cpp and assets.S there.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
scripts/install-npm.sh
scripts/with-node.sh npm --prefix web run --silent build
scripts/with-node.sh node web/scripts/pack.mjs web/app/dist "$out"
