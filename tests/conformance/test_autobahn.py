"""The Autobahn cases (RFC 6455, RFC 7692) against the server's connection class, by kosoku."""
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
ECHO = ROOT / "build" / "release" / "echo_server"
KOSOKU = pathlib.Path(sys.executable).parent / "kosoku"
GOOD = ("OK", "INFORMATIONAL")
COMPRESSION = ("12.*", "13.*")


def run(reports, *selection):
    """What it says of each case."""
    echo = subprocess.Popen([ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(echo.stdout.readline())
        subprocess.run([KOSOKU, "-m", "fuzzingclient", "-p", "2", *selection, "-o", str(reports), f"ws://127.0.0.1:{port}"],
                       check=False, timeout=900, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert echo.poll() is None, "the echo server crashed"
    finally:
        echo.kill()
        echo.wait()
    return next(iter(json.loads((reports / "index.json").read_text()).values()))


def all_good(verdicts):
    bad = {c: (v["behavior"], v["behaviorClose"]) for c, v in verdicts.items() if v["behavior"] not in GOOD or v["behaviorClose"] not in GOOD}
    assert not bad, bad


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    return run(tmp_path_factory.mktemp("autobahn"), *(flag for cases in COMPRESSION for flag in ("-x", cases)))


def test_all_301_cases_without_compression_ran(verdicts):
    assert len(verdicts) == 301


@pytest.mark.parametrize("group", [1, 2, 3, 4, 5, 6, 7, 9, 10])
def test_group(verdicts, group):
    cases = {case: v for case, v in verdicts.items() if case.split(".")[0] == str(group)}
    assert cases
    all_good(cases)


@pytest.mark.deflate
def test_all_216_cases_of_compression(tmp_path):
    verdicts = run(tmp_path, *(flag for cases in COMPRESSION for flag in ("-i", cases)))
    assert len(verdicts) == 216
    all_good(verdicts)
