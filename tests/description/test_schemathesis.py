"""GET /api/openapi.json is exact: schemathesis makes requests that fit it and requests that do not, and compares the answers."""
import os
import pathlib
import subprocess
import sys

import pytest
from harness import Server, User

HERE = pathlib.Path(__file__).parent
PROGRAM = pathlib.Path(sys.executable).parent / "schemathesis"
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES", "100")


# The one ends the session that the others need.
@pytest.mark.parametrize("operations", [["--exclude-operation-id", "logout"], ["--include-operation-id", "logout"]], ids=["all others", "logout"])
def test_the_answers_are_as_described(operations, tmp_path):
    with Server({"files.max_bytes": 0, "files.quota_bytes": 0, "files.uploads_per_minute": 0}) as server:
        user = User(server)
        done = subprocess.run(
            [PROGRAM, "--config-file", HERE / "schemathesis.toml", "run", f"http://127.0.0.1:{server.port}/api/openapi.json", "--header", f"Authorization: Bearer {user.token}", *operations,
             "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--continue-on-failure", "--no-color", "--warnings", "off"],
            cwd=tmp_path, capture_output=True, text=True, timeout=1500, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)})
        report = "\n".join(line[:1000] for line in done.stdout.splitlines())
        assert done.returncode == 0, report[-20_000:] + done.stderr[-2_000:]
        assert server.process.poll() is None
