#!/usr/bin/env bash
# Builds the benchmark client, runs its scenarios (all, or the named ones) against fresh servers,
# and leaves build/bench.json and build/bench.svg. `cluster` is only run when named, with a MariaDB and a Redis of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${BENCH_BUILT:-}" ] || scripts/build.sh release simpleim simpleim-bench
# What a phone makes: 12 megapixels, with EXIF that has to go.
photo=build/bench-photo.jpg
if [ ! -f "$photo" ]; then
  scripts/install-python.sh
  .venv/bin/python - "$photo" <<'PYTHON'
import sys
from PIL import Image
photo = Image.effect_noise((1000, 750), 60).resize((4000, 3000)).convert("RGB")
exif = Image.Exif()
exif[0x010F] = "a phone"
photo.save(sys.argv[1], quality=88, exif=exif)
PYTHON
fi
backends=()
if [[ " $* " == *" cluster "* ]]; then
  # A MariaDB (every commit on the disk) and a Redis of its own.
  dir=$(mktemp -d /var/tmp/simpleim-bench-backends-XXXXXX)
  trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$dir"' EXIT
  free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
  mysql=$(free_port) redis=$(free_port)
  mariadb-install-db --no-defaults --datadir="$dir/mariadb" --user="$(id -un)" --skip-test-db --auth-root-authentication-method=normal >/dev/null
  mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/mariadb" --socket="$dir/socket" --port="$mysql" --bind-address=127.0.0.1 \
    --skip-name-resolve --innodb-buffer-pool-size=512M --innodb-log-file-size=256M >"$dir/mariadb.log" 2>&1 &
  redis-server --port "$redis" --bind 127.0.0.1 --dir "$dir" --save "" --appendonly no >"$dir/redis.log" &
  until mariadb --no-defaults --socket="$dir/socket" -uroot -e 'CREATE DATABASE bench1; CREATE DATABASE bench2; CREATE DATABASE bench3; CREATE DATABASE bench4; CREATE USER bench IDENTIFIED BY "bench"; GRANT ALL ON *.* TO bench' 2>/dev/null; do sleep 0.1; done
  backends=(--set "store.mysql=mysql://bench:bench@127.0.0.1:$mysql/bench{}" --set "cluster.redis=redis://127.0.0.1:$redis")
fi
build/release/simpleim-bench --picture "$photo" --out build/bench "$@" "${backends[@]}"
