#!/usr/bin/env python3
"""Writes bench/RESULTS.md and results.json from the figures of one run: write-bench-report.py FIGURES.json…"""
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
MEANING = {
    "peers": "the same client drives SimpleIM, which has each message on the disk before it says so, and Centrifugo, which keeps nothing",
    "pairs": "100 pairs, 16 unacknowledged messages each, texts of 100 bytes; then a fixed rate",
    "fanout": "one group of 1,000 members online, 10 of them sending with 16 in flight each",
    "idle": "10,000 signed-in connections after a restart",
    "storm": "10,000 connections cut and back at once, while 20 pairs exchange 500 messages a second",
    "history": "pages of 50 at random places over REST",
    "search": "one user with 100 conversations asks in all of them",
    "pictures": "100 pairs exchange 1,000 messages a second while 4 people upload 200 photos of 12 megapixels",
    "cluster": "two nodes on one MariaDB and one Redis, all on this machine; ratios are to one node",
}


def first(path, pattern):
    found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    return found.group(1).strip() if found else "?"


def syncs_a_second(folder="/var/tmp"):
    """How many small writes a second the disk takes one after the other."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        count, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            file.write(b"x" * 512)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
    return count // 2


def machine():
    memory = int(first("/proc/meminfo", r"^MemTotal: *(\d+)")) / 2**20
    system = first("/etc/os-release", r'^PRETTY_NAME="(.*)"')
    return (f"{os.cpu_count()} cores of {first('/proc/cpuinfo', r'^model name.*: (.*)')}, {memory:.0f} GiB, {system}, Linux {platform.release()}, "
            f"{syncs_a_second():,} fdatasync a second")


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures):
    rows = ["| figure | measured | target | met |", "|---|---|---|---|"]
    for f in figures:
        met = "" if not f["target"] else "yes" if f["met"] else "**no**"
        rows.append(f"| {f['figure']} | {number(f['value'])} {f['unit']} | {f['target']} | {met} |")
    return "\n".join(rows)


def main():
    figures = [f for path in sys.argv[1:] for f in json.loads(pathlib.Path(path).read_text())]
    (ROOT / "bench" / "results.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    commit = subprocess.run(["git", "log", "-1", "--format=%h of %cs"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    scenarios = list(dict.fromkeys(f["scenario"] for f in figures))
    of = {s: [f for f in figures if f["scenario"] == s] for s in scenarios}
    ratios = [f for f in figures if f["unit"] == "times"]
    missed = [f"{f['scenario']}: {f['figure']} ({number(f['value'])} {f['unit']}, {f['target']})" for f in figures if f["target"] and not f["met"]]
    parts = [f"""# Measured

Written by `make bench-report` on {datetime.date.today()} from one run of one build ({commit}); nothing here is of another.

Machine: {machine()}.
The load generator runs on the same cores, and others share the host: compare ratios, not figures of different days. What was found on the way stands in [FINDINGS.md](FINDINGS.md).

## Ratios

| | times |
|---|---|""" + "".join(f"\n| {f['scenario']}, {f['figure']} | {number(f['value'])} |" for f in ratios)]
    parts.append("Targets that this run missed: " + ("; ".join(missed) if missed else "none") + ".")
    parts.append("![figures beside their targets](results.svg)")
    for scenario in scenarios:
        parts.append(f"## {scenario}\n\n{MEANING.get(scenario, '')[:1].upper()}{MEANING.get(scenario, '')[1:]}.\n\n{table(f for f in of[scenario] if f['unit'] != 'times')}")
    (ROOT / "bench" / "RESULTS.md").write_text("\n\n".join(parts) + "\n")


main()
