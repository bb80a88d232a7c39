import pytest
from harness import Server
from harness.people import alice, bob, carol

__all__ = ["alice", "bob", "carol", "server"]


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running
        assert running.process.poll() is None, "the server crashed:\n" + running.log_text()[-2000:]
