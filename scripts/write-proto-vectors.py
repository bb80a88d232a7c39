#!/usr/bin/env python3
"""Writes the binary form of each frame of proto/vectors by Google's library (.venv/bin/python scripts/write-proto-vectors.py)."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from harness.protobuf import PROTO, to_binary  # noqa: E402

for path in sorted((PROTO / "vectors").glob("*.json")):
    vectors = json.loads(path.read_text())
    lines = []
    for vector in vectors:
        vector["binary"] = to_binary(vector["json"]).hex()
        lines.append(json.dumps(vector, ensure_ascii=False))
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{path.name}: {len(vectors)} frames")
