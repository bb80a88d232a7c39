#!/usr/bin/env bash
# Runs test suites and closes with one line over all of them: "N passed, N failed".
#   scripts/test.sh                  make test
#   scripts/test.sh deep             make test-deep: what takes longer
#   scripts/test.sh slice COMMIT     make test and one part of the deep tier, chosen by the commit's hash (CI)
#   scripts/test.sh NAME…            the named ones
set -uo pipefail
cd "$(dirname "$0")/.."
TEST=(architecture deploy asan tsan fuzz conformance integration hostile cluster fault web e2e)
# The deep tier in parts of about the same length; CI runs one of them a landing.
PARTS=("mysql mongo opensearch helm description" "fuzz-long kills protobuf deflate" "bare" "bare-test")
case "${1:-}" in
  "") SUITES=("${TEST[@]}") ;;
  deep) read -ra SUITES <<<"${PARTS[*]}" ;;
  slice)
    part=$((0x${2:0:7} % ${#PARTS[@]}))
    read -ra SUITES <<<"${TEST[*]} ${PARTS[$part]}"
    echo "of the deep tier: ${PARTS[$part]}" ;;
  *) SUITES=("$@") ;;
esac
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

gtest() {  # gtest NAME BINARY: in two processes at once, because most tests wait for servers
  # One that ends badly without a failed test (a crash, a finding of a sanitizer) counts as a failure.
  local name=$1 binary=$2 out pids=() shard numbers
  out=$(mktemp -d)
  for shard in 0 1; do
    GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$shard "$binary" --gtest_brief=1 --gtest_output="json:$out/$shard.json" >"$out/$shard.log" 2>&1 &
    pids+=($!)
  done
  for shard in 0 1; do
    local ended=0
    wait "${pids[$shard]}" || { ended=1; grep -aE -B30 '^\[  FAILED' "$out/$shard.log" | tail -200; tail -60 "$out/$shard.log"; }
    numbers=$(python3 -c 'import json,sys
d=json.load(open(sys.argv[1])); bad=d["failures"]+d["errors"]
ran=sum(t.get("status")=="RUN" for s in d["testsuites"] for t in s["testsuite"]); print(ran-bad,max(bad,int(sys.argv[2])))' "$out/$shard.json" "$ended" 2>/dev/null || echo "0 1")
    # shellcheck disable=SC2086
    count $numbers "$name"
  done
  rm -rf "$out"
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

FUZZ_TARGETS=(websocket_frames chat_frames http_input http_requests multipart_body node_payloads media_metadata)

fuzz_one() {  # fuzz_one TARGET SECONDS FOLDER
  "build/asan/fuzz_$1" -max_len=4096 -max_total_time="$2" -print_final_stats=1 -artifact_prefix="$3/" "$3" "tests/fuzz/corpus/$1" >"$3/log" 2>&1
}

fuzz() {  # fuzz SECONDS: of each target the committed corpus first, then new inputs; two at a time
  local work i n pids
  work=$(mktemp -d)
  for ((i = 0; i < ${#FUZZ_TARGETS[@]}; i += 2)); do
    pids=()
    for n in "${FUZZ_TARGETS[@]:i:2}"; do
      mkdir "$work/$n"
      fuzz_one "$n" "$1" "$work/$n" &
      pids+=("$n=$!")
    done
    for n in "${pids[@]}"; do
      if wait "${n#*=}"; then
        grep -E 'number_of_executed_units' "$work/${n%=*}/log" | sed "s/^/${n%=*} /"
        count 1 0 "fuzz ${n%=*}"
      else
        tail -30 "$work/${n%=*}/log"
        count 0 1 "fuzz ${n%=*}"
      fi
    done
  done
  rm -rf "$work"
}

release() { step build scripts/build.sh release simpleim; }
fuzz_targets() { step build scripts/build.sh asan "${FUZZ_TARGETS[@]/#/fuzz_}"; }

say "packages"
SECONDS=0
step packages scripts/install-deps.sh build cluster test java
step python scripts/install-python.sh
step minio scripts/install-go-tool.sh minio
step opensearch scripts/install-java-tool.sh opensearch
TIMES+=("$(printf '%5d s  packages and tools' "$SECONDS")")

for suite in "${SUITES[@]}"; do
  say "$suite"
  SECONDS=0
  case "$suite" in
    architecture) py architecture tests/architecture ;;
    deploy) release && py deploy tests/deploy -m "not helm" ;;
    asan) step build scripts/build.sh asan unit_tests && gtest asan build/asan/unit_tests ;;
    tsan) step build scripts/build.sh tsan concurrency_tests && TSAN_OPTIONS="halt_on_error=1 suppressions=tests/concurrency/tsan.supp" gtest tsan build/tsan/concurrency_tests ;;
    fuzz) fuzz_targets && fuzz "${FUZZ_SECONDS:-5}" ;;
    conformance) step build scripts/build.sh release echo_server && py conformance tests/conformance -m "not deflate" ;;
    integration) release && py integration tests/integration ;;
    hostile) release && py hostile tests/hostile ;;
    cluster) release && py cluster tests/cluster ;;
    fault) release && KILLS="${KILLS:-20}" py fault tests/fault ;;
    web) release && web ;;
    e2e) step browser scripts/install-deps.sh browser && release && vitest e2e web/e2e ;;
    # The deep tier.
    mysql) release && TEST_STORE=mysql py mysql tests/integration -m "not embedded" ;;
    protobuf) release && TEST_ENCODING=protobuf py protobuf tests/integration -m "not json_frames" ;;
    deflate) step build scripts/build.sh release echo_server && py deflate tests/conformance -m deflate ;;
    opensearch) release && TEST_SEARCH=opensearch py opensearch tests/integration/test_search.py -m "not own_index" ;;
    description) release && py description tests/description ;;
    mongo) release && TEST_STORE=mongo py mongo tests/integration -m "not embedded" ;;
    helm) step helm scripts/install-go-tool.sh helm && release && py helm tests/deploy -m helm ;;
    fuzz-long) fuzz_targets && fuzz "${FUZZ_SECONDS:-180}" ;;
    kills) release && KILLS="${KILLS:-300}" py kills tests/fault/test_kill.py ;;
    bare) step debootstrap scripts/install-deps.sh deep browser && py bare tests/bare -m "not whole_test" ;;
    bare-test) step debootstrap scripts/install-deps.sh deep && py bare-test tests/bare -m whole_test ;;
    *) echo "unknown suite $suite"; count 0 1 "$suite" ;;
  esac
  TIMES+=("$(printf '%5d s  %s' "$SECONDS" "$suite")")
done
finish
