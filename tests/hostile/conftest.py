import pytest
from harness import Server


@pytest.fixture
def server():
    with Server() as running:
        yield running
        assert running.process.poll() is None, "the server crashed:\n" + running.log_text()[-2000:]
