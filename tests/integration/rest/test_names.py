"""Names as people give them: they come back as they were given, and find their thing."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.rest.house import House, refused

NAMES = [
    "with a blank",
    " leading and trailing ",
    "weekly.consolidation.v1.2",
    "dummy-2026-11-22T15:10:25.351347",
    "archive.tar.gz",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}bung",
    "\N{ROCKET} \u65e5\u672c\u8a9e",
    "e\u0301 decomposed",
    "50% of #1? & more + 'quotes' \\ \N{QUOTATION MARK}",
    "12 monkeys",
]
LONGEST = 63


@pytest.mark.parametrize("name", NAMES)
def test_a_name_finds_what_was_called_so(house: House, name: str) -> None:
    template = house.template(name=name)
    audit = house.audit(name=name, audit_type="EVENT")
    for collection, thing in (("audit_templates", template), ("audits", audit)):
        assert thing["name"] == name
        path = f"/v1/{collection}/{quote(name, safe='')}"
        assert house.get(path)["uuid"] == thing["uuid"]
        assert house.get(f"/v1/{collection}/{quote(name.upper(), safe='')}") == house.get(path)
        assert [one["name"] for one in house.get(f"/v1/{collection}")[collection]] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_once_without_case(house: House, name: str) -> None:
    house.template(name=name)
    body = {"name": name.upper(), "goal": "dummy"}
    refused(house.ask("POST", "/v1/audit_templates", body), 409)


def named(house: House, collection: str, name: str) -> Any:
    body = {"name": name, "goal": "dummy"}
    if collection == "audits":
        body["audit_type"] = "EVENT"
    return house.ask("POST", f"/v1/{collection}", body)


@pytest.mark.parametrize("letter", ["x", "\u65e5", "\N{ROCKET}"])
def test_lengths_are_counted_in_characters(house: House, letter: str) -> None:
    """255 are too many: an audit keeps the first 63, a template is refused."""
    audit = named(house, "audits", letter * 255)
    assert audit.json["name"] == letter * LONGEST
    path = quote(letter * LONGEST, safe="")
    assert house.get(f"/v1/audits/{path}")["uuid"] == audit.json["uuid"]
    assert named(house, "audit_templates", letter * LONGEST).status_code == 201
    for length in (LONGEST + 1, 255):
        assert "63" in refused(named(house, "audit_templates", letter * length), 400)


def test_a_name_that_looks_like_a_number_is_taken_for_one(house: House) -> None:
    """A numeric identifier is an id, as clients of the replaced service know it."""
    uuid = house.audit(name="2026", audit_type="EVENT")["uuid"]
    refused(house.ask("GET", "/v1/audits/2026"), 404)
    assert house.get(f"/v1/audits/{uuid}")["name"] == "2026"
