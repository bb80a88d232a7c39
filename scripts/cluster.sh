#!/usr/bin/env bash
# A whole cluster on this machine, without containers: MariaDB, Redis, MinIO, a server of MongoDB's protocol, three nodes
# and nginx in front, all in ./cluster-data and on 127.0.0.1. `start`, `backends` (those alone, for development), `stop` or `logs`.
set -euo pipefail
cd "$(dirname "$0")/.."
DIR=${CLUSTER_DIR:-$PWD/cluster-data}
PORT=${CLUSTER_PORT:-8080}   # the one to open; the others follow from BASE
BASE=${CLUSTER_BASE:-18080}  # nodes: BASE+1..3, their figures: BASE+11..13, backends: BASE+21..25
MARIADB=$((BASE + 21)) REDIS=$((BASE + 22)) MINIO=$((BASE + 23)) CONSOLE=$((BASE + 24)) MONGO=$((BASE + 25))
NODES=(1 2 3)

say() { printf '%s\n' "$*"; }
running() { [ -f "$DIR/run/$1" ] && kill -0 "$(cat "$DIR/run/$1")" 2>/dev/null; }

launch() {  # launch NAME COMMAND…: in the background, its output in logs/NAME
  local name=$1; shift
  running "$name" && return
  setsid nohup "$@" >>"$DIR/logs/$name" 2>&1 </dev/null &
  echo $! >"$DIR/run/$name"
}

await() {  # await NAME COMMAND…: until the command succeeds, or NAME has ended, or a minute is over
  local name=$1; shift
  for _ in $(seq 600); do
    "$@" >/dev/null 2>&1 && return
    running "$name" || break
    sleep 0.1
  done
  say "$name did not start; the end of $DIR/logs/$name:"; tail -5 "$DIR/logs/$name"
  exit 1
}

secret() { [ -s "$DIR/secrets/$1" ] || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$DIR/secrets/$1"; cat "$DIR/secrets/$1"; }

start_backends() {
  local me; me=$(id -un)
  if [ ! -d "$DIR/mariadb/mysql" ]; then
    mariadb-install-db --no-defaults --datadir="$DIR/mariadb" --user="$me" --skip-test-db --auth-root-authentication-method=normal >"$DIR/logs/mariadb-install" 2>&1 || { cat "$DIR/logs/mariadb-install"; exit 1; }
  fi
  launch mariadb mariadbd --no-defaults --user="$me" --datadir="$DIR/mariadb" --socket="$DIR/run/mariadb.socket" --port="$MARIADB" --bind-address=127.0.0.1 --skip-name-resolve
  launch redis redis-server --port "$REDIS" --bind 127.0.0.1 --dir "$DIR" --save "" --appendonly no
  MINIO_ROOT_USER=simpleim MINIO_ROOT_PASSWORD=$(secret minio) launch minio build/tools/minio server --quiet --address "127.0.0.1:$MINIO" --console-address "127.0.0.1:$CONSOLE" "$DIR/minio"
  launch mongo .venv/bin/secantusd-py --host 127.0.0.1 --port "$MONGO" --storage-path "$DIR/mongo" --sync-on-commit --log-level WARNING
  local root=(mariadb --no-defaults --socket="$DIR/run/mariadb.socket" -uroot)
  await mariadb "${root[@]}" -e 'SELECT 1'
  "${root[@]}" -e "CREATE DATABASE IF NOT EXISTS simpleim; CREATE USER IF NOT EXISTS 'simpleim'@'127.0.0.1' IDENTIFIED BY '$(secret mariadb)'; GRANT ALL ON simpleim.* TO 'simpleim'@'127.0.0.1'"
  await redis redis-cli -p "$REDIS" ping
  await minio curl -fs "http://127.0.0.1:$MINIO/minio/health/ready"
  await mongo bash -c "exec 3<>/dev/tcp/127.0.0.1/$MONGO"
}

write_settings() {  # what a node needs to use the backends
  cat >"$DIR/cluster.toml" <<TOML
[server]
trusted_proxies = ["127.0.0.1"]
[store]
mysql = "mysql://simpleim:$(secret mariadb)@127.0.0.1:$MARIADB/simpleim"
mongo = "mongodb://127.0.0.1:$MONGO/simpleim?directConnection=true"
[cluster]
redis = "redis://127.0.0.1:$REDIS"
[files]
s3 = "http://simpleim:$(secret minio)@127.0.0.1:$MINIO/simpleim"
TOML
  chmod 600 "$DIR/cluster.toml"
}

start_nodes() {
  for n in "${NODES[@]}"; do
    launch "node$n" build/release/simpleim serve --config "$DIR/cluster.toml" --node-id "node$n" --data-dir "$DIR/node$n" \
      --listen "127.0.0.1:$((BASE + n))" --admin-listen "127.0.0.1:$((BASE + 10 + n))"
  done
  for n in "${NODES[@]}"; do await "node$n" curl -fs "http://127.0.0.1:$((BASE + n))/ready"; done
}

start_nginx() {
  {
    echo "daemon off; pid $DIR/run/nginx.pid; error_log stderr warn; worker_processes auto; events { worker_connections 8192; } http { access_log off;"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $DIR/nginx/$kind;"; done
    sed -e "s/127\.0\.0\.1:8080/127.0.0.1:$PORT/; s/127\.0\.0\.1:1808\([123]\)/127.0.0.1:$((BASE / 10))\1/" deploy/nginx/simpleim.conf
    echo "}"
  } >"$DIR/nginx.conf"
  launch nginx nginx -c "$DIR/nginx.conf"
  await nginx curl -fs "http://127.0.0.1:$PORT/health"
}

backends() {
  mkdir -p "$DIR"/{run,logs,secrets,minio,mongo,mariadb,nginx}
  chmod 700 "$DIR"
  start_backends
  write_settings
}

start() {
  backends
  start_nodes
  start_nginx
  say "SimpleIM is ready on three nodes: http://127.0.0.1:$PORT (stop: make cluster-stop; logs: $DIR/logs)"
}

stop() {
  for name in nginx node1 node2 node3 mongo minio redis mariadb; do
    running "$name" || continue
    local pid; pid=$(cat "$DIR/run/$name")
    kill "$pid"
    for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    rm -f "$DIR/run/$name"
  done
  say "stopped; everything it kept is in $DIR"
}

case "${1:-start}" in
  start) start ;;
  backends)
    backends
    say "MySQL, Redis, MinIO and MongoDB are ready on 127.0.0.1 (stop: make cluster-stop; logs: $DIR/logs)."
    say "A node that uses them: make run RUN_FLAGS='--config $DIR/cluster.toml --node-id node1'"
    ;;
  stop) stop ;;
  logs) exec tail -n 20 -F "$DIR"/logs/* ;;
  *) echo "usage: scripts/cluster.sh start|backends|stop|logs" >&2; exit 1 ;;
esac
