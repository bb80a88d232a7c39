#!/usr/bin/env bash
# Installs the Debian packages of the named sets that are missing. Sets: build node test browser lint.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A SETS=(
  [build]="g++ make cmake ninja-build pkg-config libboost1.81-dev libssl-dev libsqlite3-dev libsimdjson-dev libsodium-dev libspdlog-dev libcli11-dev libtomlplusplus-dev prometheus-cpp-dev libjwt-dev libmagic-dev libvips42 libutf8proc-dev libhiredis-dev libmariadb-dev libmongoc-dev libicu-dev libcurl4-openssl-dev libpugixml-dev"
  [test]="python3 python3-venv libgtest-dev libgmock-dev clang-16 libclang-rt-16-dev strace fiu-utils ccache mold openssl curl sqlite3 redis-server mariadb-server nginx-light iproute2 iptables systemd docker-compose faketime"
  [node]="npm"
  [browser]="chromium fonts-noto-cjk fonts-noto-color-emoji coturn"
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
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
