#!/usr/bin/env bash
# Builds MinIO, an S3 server for the tests and the local cluster, into build/tools (needs Go; some minutes the first time).
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
[ -x build/tools/minio ] && exit 0
command -v go >/dev/null || { echo "MinIO is built by Go, which is not installed" >&2; exit 1; }
echo "building MinIO"
mkdir -p build/tools
GOBIN="$PWD/build/tools" GOFLAGS=-buildvcs=false go install "github.com/minio/minio@$VERSION"
