"""The Autobahn cases (RFC 6455) against the server's connection class, by kosoku."""
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
ECHO = ROOT / "build" / "release" / "echo_server"
KOSOKU = pathlib.Path(sys.executable).parent / "kosoku"
GOOD = ("OK", "INFORMATIONAL")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    reports = tmp_path_factory.mktemp("autobahn")
    echo = subprocess.Popen([ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(echo.stdout.readline())
        # 12 and 13 are permessage-deflate, which the server does not offer.
        subprocess.run([KOSOKU, "-m", "fuzzingclient", "-x", "12.*", "-x", "13.*", "-o", str(reports), f"ws://127.0.0.1:{port}"],
                       check=False, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert echo.poll() is None, "the echo server crashed"
    finally:
        echo.kill()
        echo.wait()
    return next(iter(json.loads((reports / "index.json").read_text()).values()))


def test_all_301_cases_ran(verdicts):
    assert len(verdicts) == 301


@pytest.mark.parametrize("group", [1, 2, 3, 4, 5, 6, 7, 9, 10])
def test_group(verdicts, group):
    cases = {case: v for case, v in verdicts.items() if case.split(".")[0] == str(group)}
    assert cases
    bad = {c: (v["behavior"], v["behaviorClose"]) for c, v in cases.items() if v["behavior"] not in GOOD or v["behaviorClose"] not in GOOD}
    assert not bad, bad
