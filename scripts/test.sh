#!/usr/bin/env bash
# Runs the test suites and closes with one line over all of them: "N passed, N failed".
# Without arguments all suites; else the named ones: architecture deploy asan tsan fuzz conformance integration hostile mysql
# mongo cluster fault web e2e
set -uo pipefail
cd "$(dirname "$0")/.."
SUITES=("$@")
[ ${#SUITES[@]} -eq 0 ] && SUITES=(architecture deploy asan tsan fuzz conformance integration hostile mysql mongo cluster fault web e2e)
JOBS="$(nproc)"
PASSED=0
FAILED=0
FAILED_NAMES=()
TIMES=()

say() { printf '\n== %s\n' "$*"; }
count() { PASSED=$((PASSED + $1)); FAILED=$((FAILED + $2)); if [ "$2" -gt 0 ]; then FAILED_NAMES+=("$3"); fi; }

# step NAME COMMAND…: something that must work before tests can run.
step() {
  local name=$1; shift
  if ! "$@"; then echo "$name failed"; count 0 1 "$name"; finish; fi
}

finish() {
  [ ${#TIMES[@]} -gt 0 ] && printf '\n%s\n' "${TIMES[@]}"
  [ ${#FAILED_NAMES[@]} -gt 0 ] && printf '\nfailed: %s\n' "${FAILED_NAMES[*]}"
  printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
  [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
  exit $?
}

build() {  # build PRESET TARGET…
  local preset=$1; shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log"; return 1; }
  rm -f "build-$preset.log"
  cmake --build --preset "$preset" --parallel "$JOBS" --target "$@" | grep -vE '^\[' ; return "${PIPESTATUS[0]}"
}

python_env() {
  if ! cmp -s tests/requirements.txt .venv/requirements.txt; then
    rm -rf .venv
    /usr/bin/python3 -m venv .venv && .venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt && cp tests/requirements.txt .venv/
  fi
}

gtest() {  # gtest NAME BINARY ARGS…
  local name=$1 out; shift
  out=$(mktemp)
  "$@" --gtest_brief=1 --gtest_output="json:$out" || true
  local numbers
  numbers=$(python3 -c 'import json,sys
d=json.load(open(sys.argv[1])); bad=d["failures"]+d["errors"]; print(d["tests"]-bad,bad)' "$out" 2>/dev/null || echo "0 1")
  rm -f "$out"
  # shellcheck disable=SC2086
  count $numbers "$name"
}

py() {  # py NAME PATH…
  local name=$1 out; shift
  out=$(mktemp --suffix=.xml)
  .venv/bin/python -m pytest -q --tb=short -p no:cacheprovider --junitxml="$out" "$@"
  local numbers
  numbers=$(python3 -c 'import sys,xml.etree.ElementTree as E
s=E.parse(sys.argv[1]).getroot().find("testsuite").attrib
bad=int(s["failures"])+int(s["errors"])+int(s["skipped"]); print(int(s["tests"])-bad,bad)' "$out" 2>/dev/null || echo "0 1")
  rm -f "$out"
  # shellcheck disable=SC2086
  count $numbers "$name"
}

vitest() {  # vitest NAME FOLDER
  local name=$1 out; shift
  out=$(mktemp --suffix=.json)
  (cd "$1" && ../../scripts/with-node.sh npx vitest run --reporter=default --reporter=json --outputFile.json="$out")
  local numbers
  numbers=$(python3 -c 'import json,sys
d=json.load(open(sys.argv[1])); total=d["numTotalTests"]; good=d["numPassedTests"]; broken=d["numFailedTestSuites"] if total==good else 0
print(good, total-good+broken if total else 1)' "$out" 2>/dev/null || echo "0 1")
  rm -f "$out"
  # shellcheck disable=SC2086
  count $numbers "$name"
}

check() {  # check NAME COMMAND…: one test that is a command
  local name=$1; shift
  if "$@"; then count 1 0 "$name"; else count 0 1 "$name"; fi
}

web() {  # the SDK's tests, then what is checked without running
  vitest sdk web/sdk
  check "web types" scripts/with-node.sh npm --prefix web run --silent types
  check "web lint" scripts/with-node.sh npm --prefix web run --silent lint
  check "web size" scripts/with-node.sh npm --prefix web run --silent size
}

fuzz() {  # the committed corpus first, then FUZZ_SECONDS of new inputs for each target
  local target work
  for target in websocket_frames chat_frames http_input http_requests multipart_body node_payloads; do
    work=$(mktemp -d)
    if "build/fuzz/fuzz_$target" -max_len=4096 -max_total_time="${FUZZ_SECONDS:-20}" -print_final_stats=1 -artifact_prefix="$work/" "$work" "tests/fuzz/corpus/$target" >"$work/log" 2>&1; then
      grep -E 'number_of_executed_units' "$work/log" | sed "s/^/$target /"
      count 1 0 "fuzz $target"
    else
      tail -30 "$work/log"
      count 0 1 "fuzz $target"
    fi
    rm -rf "$work"
  done
}

say "packages"
SECONDS=0
step packages scripts/install-deps.sh build test
step python python_env
step minio scripts/install-go-tool.sh minio
TIMES+=("$(printf '%5d s  packages and tools' "$SECONDS")")

for suite in "${SUITES[@]}"; do
  say "$suite"
  SECONDS=0
  case "$suite" in
    architecture) py architecture tests/architecture ;;
    deploy) step helm scripts/install-go-tool.sh helm && step build build release simpleim && py deploy tests/deploy ;;
    asan) step build build asan unit_tests && gtest asan build/asan/unit_tests ;;
    tsan) step build build tsan concurrency_tests && TSAN_OPTIONS="halt_on_error=1 suppressions=tests/concurrency/tsan.supp" gtest tsan build/tsan/concurrency_tests ;;
    fuzz) step build build fuzz fuzz_websocket_frames fuzz_chat_frames fuzz_http_input fuzz_http_requests fuzz_multipart_body fuzz_node_payloads && fuzz ;;
    conformance) step build build release echo_server && py conformance tests/conformance ;;
    integration) step build build release simpleim && py integration tests/integration ;;
    hostile) step build build release simpleim && py hostile tests/hostile ;;
    mysql) step build build release simpleim && TEST_STORE=mysql py mysql tests/integration -m "not embedded" ;;
    mongo) step build build release simpleim && TEST_STORE=mongo py mongo tests/integration -m "not embedded" ;;
    cluster) step build build release simpleim && py cluster tests/cluster ;;
    fault) step build build release simpleim && py fault tests/fault ;;
    web) step build build release simpleim && web ;;
    e2e) step browser scripts/install-deps.sh browser && step build build release simpleim && vitest e2e web/e2e ;;
    *) echo "unknown suite $suite"; count 0 1 "$suite" ;;
  esac
  TIMES+=("$(printf '%5d s  %s' "$SECONDS" "$suite")")
done
finish
