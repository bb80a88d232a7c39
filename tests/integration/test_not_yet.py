"""What docs/not-yet.toml lists is really not there: whoever builds it has to say so in the documents."""
import pathlib
import tomllib

import pytest
from harness.raw import plug, upgrade_request

FEATURES = tomllib.loads((pathlib.Path(__file__).parents[2] / "docs" / "not-yet.toml").read_text())["feature"]


def upgraded(user, header):
    """The head of the answer to an upgrade that also asks for something."""
    with plug(user.server) as s:
        s.sendall(upgrade_request(user.token).replace(b"\r\n\r\n", b"\r\n" + header.encode() + b"\r\n\r\n"))
        got = b""
        while b"\r\n\r\n" not in got:
            got += s.recv(4096)
    head = got.split(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.1 101"), head
    return head


@pytest.mark.parametrize("route", [f["route"] for f in FEATURES if "route" in f])
def test_no_route(alice, route):
    assert alice.api.error("GET", route)[0] == 404


@pytest.mark.parametrize("extension", [f["extension"] for f in FEATURES if "extension" in f])
def test_no_extension(alice, extension):
    assert "sec-websocket-extensions" not in upgraded(alice, f"Sec-WebSocket-Extensions: {extension}")


@pytest.mark.parametrize("subprotocol", [f["subprotocol"] for f in FEATURES if "subprotocol" in f])
def test_no_subprotocol(alice, subprotocol):
    assert "sec-websocket-protocol" not in upgraded(alice, f"Sec-WebSocket-Protocol: {subprotocol}")
