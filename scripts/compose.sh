#!/usr/bin/env bash
# The cluster of deploy/compose.yml: `up`, `down` or `logs`. Where there is no Docker, `make cluster` starts the same.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker info >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
  echo "a Docker engine with its compose plugin is needed; \`make cluster\` starts the same cluster without containers" >&2
  exit 1
fi

secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

if [ ! -s deploy/.env ]; then
  (umask 077 && printf '%s_PASSWORD=%s\n' MYSQL "$(secret)" REDIS "$(secret)" S3 "$(secret)" >deploy/.env)
fi

case "${1:-up}" in
  up)
    docker compose -p simpleim -f deploy/compose.yml up --build --detach --wait
    echo "SimpleIM is ready on three nodes: http://127.0.0.1:${SIMPLEIM_PORT:-8080}"
    ;;
  down) docker compose -p simpleim -f deploy/compose.yml down ;;
  logs) docker compose -p simpleim -f deploy/compose.yml logs --follow --tail 20 ;;
  *) echo "usage: scripts/compose.sh up|down|logs" >&2; exit 1 ;;
esac
