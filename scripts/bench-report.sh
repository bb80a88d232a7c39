#!/usr/bin/env bash
# Measures everything in one run and writes bench/RESULTS.md, results.json and results.svg from it: this build, and Centrifugo
# with its memory engine by the same client. Some twenty minutes; the machine should do nothing else.
# BENCH_SECONDS: length of a measured stretch.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh build cluster
scripts/install-python.sh
scripts/install-go-tool.sh centrifugo
scripts/build.sh release simpleim simpleim-bench
export BENCH_BUILT=1  # one build for all of it
seconds=${BENCH_SECONDS:-8}
scripts/bench.sh --seconds "$seconds" --centrifugo build/tools/centrifugo peers pairs fanout idle storm history search pictures
cp build/bench.json build/bench-one.json
cp build/bench.svg bench/results.svg
scripts/bench.sh --seconds "$seconds" cluster
.venv/bin/python scripts/write-bench-report.py build/bench-one.json build/bench.json
echo "written: bench/RESULTS.md"
