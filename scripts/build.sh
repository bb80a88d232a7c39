#!/usr/bin/env bash
# Builds targets of a preset and shows how far it is: build.sh PRESET TARGET…
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
# What one checkout has compiled another one need not.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
if [ ! -f "build/$preset/build.ninja" ]; then
  echo "configuring $preset"
  mkdir -p build
  cmake --preset "$preset" >"build/$preset.log" || { cat "build/$preset.log"; exit 1; }
fi
# On a terminal one line that moves; elsewhere (CI) only what is worth reading.
if [ -t 1 ]; then exec env NINJA_STATUS="building $preset: %f of %t, %e s  " cmake --build --preset "$preset" --parallel "${JOBS:-$(nproc)}" --target "$@"; fi
cmake --build --preset "$preset" --parallel "${JOBS:-$(nproc)}" --target "$@" | { grep -vE '^\[' || true; }
