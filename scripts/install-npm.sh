#!/usr/bin/env bash
# Installs the npm packages of web/package-lock.json, when they are not there yet.
set -euo pipefail
cd "$(dirname "$0")/../web"
cmp -s package-lock.json node_modules/.installed-lock && exit 0
../scripts/with-node.sh npm ci --no-audit --no-fund --loglevel=error
cp package-lock.json node_modules/.installed-lock
