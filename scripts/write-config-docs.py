#!/usr/bin/env python3
"""Writes the table of configuration keys into docs/operations.md from the binary itself; --check
only says whether it is current."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operations.md"
START, END = "<!-- keys: written by scripts/write-config-docs.py -->\n", "<!-- end of keys -->"


def table():
    lines = subprocess.run([ROOT / "build/release/simpleim", "config"], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for head, help_ in zip(lines[::2], lines[1::2]):
        key, _, default = head.split("  ", 2)
        rows.append(f"| `{key}` | {default} | {help_.strip()} |")
    return "\n".join(rows) + "\n"


def main():
    text = PAGE.read_text()
    before, rest = text.split(START)
    fresh = before + START + table() + END + rest.split(END)[1]
    if "--check" in sys.argv:
        sys.exit(fresh != text and "docs/operations.md is out of date: run scripts/write-config-docs.py")
    PAGE.write_text(fresh)


main()
