#!/usr/bin/env bash
# Runs a command with Node.js ≥ 20.19 first on the PATH. Where the system's is older (Debian 12 has 18) or missing, a newer
# one is taken from npm's package "node" into build/node.
set -euo pipefail
ROOT="$(cd "$(dirname "$0")/.." && pwd)"
OWN="$ROOT/build/node/node_modules/node/bin"

is_good() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

if ! { is_good && command -v npm >/dev/null; }; then
  if [ ! -x "$OWN/node" ]; then
    command -v npm >/dev/null || "$ROOT/scripts/install-deps.sh" node
    mkdir -p "$ROOT/build/node"
    npm install --prefix "$ROOT/build/node" --no-audit --no-fund --loglevel=error node@22
  fi
  export PATH="$OWN:$PATH"
  is_good || { echo "Node.js 20.19 or newer is needed for the web client (https://nodejs.org), or build without it: cmake --preset release -DSIMPLEIM_WEB=OFF" >&2; exit 1; }
fi
exec "$@"
