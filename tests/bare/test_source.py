"""The commands of the README on a machine that has nothing installed, as root and as somebody with sudo."""
import re
import time
import urllib.error
import urllib.request

import pytest
from harness import free_port
from harness.bare_root import BareRoot


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def answers(url):
    try:
        return get(url)
    except (urllib.error.URLError, OSError):
        return None


def page_loads(url):
    """The page, and each script and style sheet that it names."""
    page = get(url).decode()
    parts = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert any(part.endswith(".js") for part in parts), page
    return all(get(url + part) for part in parts)


@pytest.mark.parametrize("user", ["root", "visitor"])
def test_make_run(user):
    port = free_port()
    with BareRoot(user) as bare:
        bare.clone()
        begun = time.monotonic()
        run = f"cd simpleim && make run RUN_FLAGS='--listen 127.0.0.1:{port} --admin-listen 127.0.0.1:{free_port()}'"
        with bare.running(run, lambda: answers(f"http://127.0.0.1:{port}/health"), timeout=1200) as log:
            print(f"make run as {user}: ready after {time.monotonic() - begun:.0f} s")
            assert page_loads(f"http://127.0.0.1:{port}")
            assert "SimpleIM is ready" in log.read_text()


def test_make_cluster():
    port, base = free_port(), 21080
    with BareRoot("visitor") as bare:
        bare.clone()
        run = f"cd simpleim && export CLUSTER_PORT={port} CLUSTER_BASE={base} && make cluster && sleep infinity"
        with bare.running(run, lambda: answers(f"http://127.0.0.1:{port}/health"), timeout=2400):
            assert page_loads(f"http://127.0.0.1:{port}")


def test_the_set_for_formatting_is_enough():
    with BareRoot() as bare:
        bare.clone()
        bare.run("cd simpleim && make format && git diff --stat --exit-code")


@pytest.mark.whole_test
def test_make_test():
    with BareRoot() as bare:
        bare.clone()
        out = bare.run("cd simpleim && make test", timeout=4800, check=False)
        failures = "\n".join(re.findall(r"^.*(?:FAILED|FAIL |Error:).*$", out, re.M))
        assert re.search(r"^[1-9]\d* passed, 0 failed$", out, re.M), f"{failures[-8000:]}\n{out[-4000:]}"
