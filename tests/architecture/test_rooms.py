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
    "composition": {"api", "gateway", "media", "store", "cluster"},
    "commands": {"composition"},
}


# The rooms inside a room, and which of the others each may know. What a room holds beside them belongs to all of them.
INSIDE = {
    "service": {
        "limits": set(),
        "events": set(),
        "messages": {"events"},
        "commit": {"messages"},
        "accounts": {"commit", "limits"},
        "groups": {"commit", "limits"},
        "conversations": {"commit", "limits"},
        "files": {"commit"},
        "reports": {"commit", "limits"},
        "search": {"messages"},
        "calls": {"messages"},
    },
    "api": {
        "accounts": set(), "groups": set(), "conversations": set(), "messages": set(), "reports": set(), "files": set(),
        "search": set(), "calls": set(), "client": set(),
    },
}


def reachable(room, direct=DIRECT):
    found, todo = {room}, [room]
    while todo:
        for other in direct[todo.pop()] - found:
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


@pytest.mark.parametrize("room", INSIDE)
def test_a_room_inside_a_room_includes_only_those_it_may_know(room):
    wrong = []
    for inner in INSIDE[room]:
        allowed = reachable(inner, INSIDE[room])
        for path in sorted((SERVER / room / inner).rglob("*.[hc]*")):
            for target in includes(path):
                parts = target.split("/")
                if parts[0] == room and len(parts) == 3 and parts[1] not in allowed:
                    wrong.append(f"{path.relative_to(SERVER)} includes {target}")
    assert not wrong, "\n".join(wrong)


def test_every_room_is_listed():
    assert {p.name for p in SERVER.iterdir() if p.is_dir()} == set(DIRECT)
    for room, inner in INSIDE.items():
        assert {p.name for p in (SERVER / room).iterdir() if p.is_dir()} == set(inner)


def test_concrete_backends_are_named_by_the_composition_only():
    backends = re.compile(r"^(store/(sqlite|mysql|mongo|s3|local_files)|cluster/(in_process|redis))/")
    wrong = []
    for path in SERVER.rglob("*.[hc]*"):
        here = path.relative_to(SERVER).as_posix()
        for target in includes(path):
            found = backends.match(target)
            if found and not here.startswith(found.group(0)) and not here.startswith(("composition/", "commands/")):
                wrong.append(f"{here} includes {target}")
    assert not wrong, "\n".join(wrong)
