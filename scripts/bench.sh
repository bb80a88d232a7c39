#!/usr/bin/env bash
# Builds the benchmark client, runs its scenarios (all, or the named ones) against fresh servers,
# and leaves build/bench.json and build/bench.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --build --preset release --target simpleim-bench
exec build/release/simpleim-bench --out build/bench "$@"
