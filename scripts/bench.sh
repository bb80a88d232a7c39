#!/usr/bin/env bash
# Builds the benchmark client, runs its scenarios (all, or the named ones) against fresh servers,
# and leaves build/bench.json and build/bench.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --build --preset release --target simpleim-bench
# What a phone makes: 12 megapixels, with EXIF that has to go.
photo=build/bench-photo.jpg
[ -f "$photo" ] || .venv/bin/python - "$photo" <<'PYTHON'
import sys
from PIL import Image
photo = Image.effect_noise((1000, 750), 60).resize((4000, 3000)).convert("RGB")
exif = Image.Exif()
exif[0x010F] = "a phone"
photo.save(sys.argv[1], quality=88, exif=exif)
PYTHON
exec build/release/simpleim-bench --picture "$photo" --out build/bench "$@"
