#!/usr/bin/env bash
# The cluster of deploy/docker-compose.yml: `up`, `down` or `logs`. Where there is no Docker, `make cluster` starts the same.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! docker info >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
  echo "a Docker engine with its compose plugin is needed; \`make cluster\` starts the same cluster without containers" >&2
  exit 1
fi

secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in MYSQL REDIS S3 MONGO; do  # each is made once
  grep -qs "^${name}_PASSWORD=" deploy/.env || (umask 077 && echo "${name}_PASSWORD=$(secret)" >>deploy/.env)
done

case "${1:-up}" in
  up)
    docker compose -p simpleim -f deploy/docker-compose.yml up --build --detach --wait
    echo "SimpleIM is ready on three nodes: http://127.0.0.1:${SIMPLEIM_PORT:-8080}"
    ;;
  down) docker compose -p simpleim -f deploy/docker-compose.yml down ;;
  logs) docker compose -p simpleim -f deploy/docker-compose.yml logs --follow --tail 20 ;;
  *) echo "usage: scripts/compose.sh up|down|logs" >&2; exit 1 ;;
esac
