"""What docs/not-yet.toml lists is really not there: whoever builds it has to say so in the documents."""
import pathlib
import tomllib

import pytest

FEATURES = tomllib.loads((pathlib.Path(__file__).parents[2] / "docs" / "not-yet.toml").read_text())["feature"]


@pytest.mark.parametrize("route", [f["route"] for f in FEATURES if "route" in f])
def test_no_route(alice, route):
    assert alice.api.error("GET", route)[0] == 404
