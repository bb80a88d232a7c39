#!/usr/bin/env bash
# Builds programs of the tests into build/tools (some minutes the first time): minio, the S3 server that the local cluster has,
# too; helm; centrifugo, which the benchmark stands beside.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  minio) PACKAGE=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c ;;
  helm) PACKAGE=helm.sh/helm/v3/cmd/helm@v3.19.5 ;;
  centrifugo) PACKAGE=github.com/centrifugal/centrifugo/v6@v6.9.1 ;;
  *) echo "usage: scripts/install-go-tool.sh minio|helm|centrifugo" >&2; exit 1 ;;
esac
[ -x "build/tools/$1" ] && exit 0
echo "building $1 (some minutes, once)"
mkdir -p build/tools
GOBIN="$PWD/build/tools" GOFLAGS=-buildvcs=false scripts/with-go.sh go install "$PACKAGE"
