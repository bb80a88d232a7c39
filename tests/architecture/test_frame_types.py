"""What is written about frame types is what the server's list of them says."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
FRAMES = {int(number): kind for number, kind in
          re.findall(r"^FRAME\((\d+), k\w+, \w+, (\w+)\)$", (ROOT / "server/protocol/frame_types.def").read_text(), re.M)}


def numbers(text):
    """Of "0", "4 / 5 / 6" and "40–45"."""
    if "–" in text:
        first, last = text.split("–")
        return range(int(first), int(last) + 1)
    return [int(one) for one in text.split("/")]


def test_the_search_filter_takes_the_types_that_are_shown():
    description = json.loads((ROOT / "server/api/openapi.json").read_text())
    parameter = next(p for p in description["paths"]["/api/search/messages"]["get"]["parameters"] if p["name"] == "type")
    taken = range(parameter["schema"]["minimum"], parameter["schema"]["maximum"] + 1)
    assert list(taken) == [n for n, kind in FRAMES.items() if kind in ("Text", "File", "Event")]


def test_the_protocol_has_every_type_and_no_other():
    section = (ROOT / "docs/protocol.md").read_text().split("## 3. WebSocket")[1]
    listed = [n for row in re.findall(r"^\| (\d+(?:–\d+)?(?: / \d+)*) \|", section, re.M) for n in numbers(row)]
    assert listed == list(FRAMES)
