"""The rooms of the server know only whom they may (docs/architecture.md)."""
import pathlib
import re

import pytest

SERVER = pathlib.Path(__file__).parents[2] / "server"

DIRECT = {
    "base": set(),
    "net": {"base"},
    "protocol": {"base"},
    "store": {"base", "protocol"},
    "cluster": {"base", "protocol"},
    "media": {"base"},
    "service": {"protocol", "store", "cluster", "media"},
    "gateway": {"net", "protocol", "service"},
    "api": {"net", "protocol", "service", "gateway"},
    "admin": {"service", "store"},
}


def reachable(room):
    found, todo = {room}, [room]
    while todo:
        for other in DIRECT[todo.pop()] - found:
            found.add(other)
            todo.append(other)
    return found


def includes(path):
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)


@pytest.mark.parametrize("room", DIRECT)
def test_a_room_includes_only_rooms_it_may_know(room):
    allowed = reachable(room)
    wrong = [
        f"{path.relative_to(SERVER)} includes {target}"
        for path in sorted((SERVER / room).rglob("*.[hc]*"))
        for target in includes(path)
        if target.split("/")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_is_listed():
    assert {p.name for p in SERVER.iterdir() if p.is_dir()} == set(DIRECT)


def test_concrete_backends_are_named_by_the_composition_only():
    backends = re.compile(r"^(store/(sqlite|mysql|mongo|s3|local_files)|cluster/(in_process|redis))/")
    wrong = []
    for path in SERVER.rglob("*.[hc]*"):
        here = path.relative_to(SERVER).as_posix()
        for target in includes(path):
            found = backends.match(target)
            if found and not here.startswith(found.group(0)) and here not in ("main.cpp", "server.cpp", "backends.h", "backends.cpp", "migrate.cpp"):
                wrong.append(f"{here} includes {target}")
    assert not wrong, "\n".join(wrong)
