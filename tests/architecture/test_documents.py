"""What the documents say is missing is what docs/not-yet.toml lists, in both languages; and their links lead somewhere."""
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FEATURES = tomllib.loads((ROOT / "docs" / "not-yet.toml").read_text())["feature"]
DOCUMENTS = [p for p in sorted(ROOT.rglob("*.md")) if not {"build", "node_modules", ".venv"} & set(p.relative_to(ROOT).parts)]


def said(name, pattern):
    text = (ROOT / name).read_text()
    found = re.search(pattern, text, re.S)
    assert found, f"{name} does not say what is not there yet"
    return found.group(1)


@pytest.mark.parametrize("name, pattern, separator, key", [
    ("README.md", r"^Not yet: (.*?)\.\n\n", r";\s+", "en"),
    ("README.zh-CN.md", r"^尚未完成：(.*?)。\n\n", "；", "zh"),
    ("docs/protocol.md", r"^> Not offered by this release yet: (.*?)\.\n", r",\s+", "protocol"),
])
def test_what_is_not_there_yet_is_said_as_it_is(name, pattern, separator, key):
    listed = re.split(separator, said(name, "(?m)" + pattern))
    assert listed == [f[key] for f in FEATURES if key in f]


def test_nothing_else_is_called_missing():
    wrong = re.compile(r"not (?:offered|there|implemented|supported)(?: \w+)* yet|尚未|尚不|还没有", re.I)
    allowed = ("README.md", "README.zh-CN.md", "docs/protocol.md")
    found = [f"{p.relative_to(ROOT)}: {m.group(0)}" for p in DOCUMENTS for m in wrong.finditer(p.read_text())
             if p.relative_to(ROOT).as_posix() not in allowed and "decisions" not in p.parts and p.name != "CHANGELOG.md"]
    assert not found, "\n".join(found)


def test_no_api_description_of_what_is_not_there():
    text = (ROOT / "server" / "api" / "openapi.json").read_text()
    assert not [f["route"] for f in FEATURES if "route" in f and f'"{f["route"]}' in text]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(path):
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    links = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]
    wrong = [link for link in links if link and not (path.parent / link).exists()]
    assert not wrong


def test_chinese_text_has_full_width_punctuation():
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", (ROOT / "README.zh-CN.md").read_text(), flags=re.S)
    wrong = re.findall(r".{0,6}[\u4e00-\u9fff][,;:?!()].{0,6}|.{0,6}[,;:?!()][\u4e00-\u9fff].{0,6}", text)
    assert not wrong
