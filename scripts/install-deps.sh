#!/usr/bin/env bash
# Installs the Debian packages of the named sets that are missing. Each set is enough for what stands beside it, on a machine
# that has nothing but make, git, curl and ca-certificates (tests/bare).
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A SETS=(
  # make build, make run; python for Node.js (scripts/with-node.sh)
  [build]="g++ make cmake ninja-build mold pkg-config libboost1.81-dev libssl-dev libsqlite3-dev libsimdjson-dev libsodium-dev libspdlog-dev libcli11-dev libtomlplusplus-dev prometheus-cpp-dev libjwt-dev libmagic-dev libseccomp-dev libvips42 libutf8proc-dev libhiredis-dev libmariadb-dev libmongoc-dev libicu-dev libcurl4-openssl-dev libpugixml-dev libprotozero-dev zlib1g-dev python3 python3-venv"
  # what comes from PyPI: the tests' packages, Go, Node.js
  [python]="python3 python3-venv"
  # make package, beside build
  [package]="dpkg-dev"
  # make cluster, beside build
  [cluster]="python3 python3-venv mariadb-server redis-server nginx-light curl"
  # make test, beside build and cluster
  [test]="libgtest-dev libgmock-dev clang-16 libclang-rt-16-dev strace fiu-utils ccache openssl sqlite3 protobuf-compiler iproute2 iptables systemd docker-compose faketime"
  # the servers of make test that are written in Java
  [java]="default-jre-headless maven"
  # the browser tests of make test
  [browser]="chromium fonts-noto-cjk fonts-noto-color-emoji coturn"
  # make test-deep, beside the others
  [deep]="debootstrap dpkg-dev"
  # make lint, make format
  [lint]="clang-format-16 clang-tidy-16"
)

missing=()
for set in "$@"; do
  for package in ${SETS[$set]}; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "missing packages; as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing ${missing[*]}"

"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
