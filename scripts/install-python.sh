#!/usr/bin/env bash
# Makes .venv with the packages of tests/requirements.txt, when they are not there yet.
set -euo pipefail
cd "$(dirname "$0")/.."
cmp -s tests/requirements.txt .venv/requirements.txt && exit 0
scripts/install-deps.sh python
rm -rf .venv
/usr/bin/python3 -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
cp tests/requirements.txt .venv/
