"""Names as people give them: they come back as they were given, and find their thing."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.world.api import ApiWorld, refused

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
def test_a_name_finds_what_was_called_so(api: ApiWorld, name: str) -> None:
    template = api.template(name=name)
    audit = api.audit(name=name, audit_type="EVENT")
    for collection, thing in (("audit_templates", template), ("audits", audit)):
        assert thing["name"] == name
        path = f"/v1/{collection}/{quote(name, safe='')}"
        assert api.get(path)["uuid"] == thing["uuid"]
        assert api.get(f"/v1/{collection}/{quote(name.upper(), safe='')}") == api.get(path)
        assert [one["name"] for one in api.get(f"/v1/{collection}")[collection]] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_once_without_case(api: ApiWorld, name: str) -> None:
    api.template(name=name)
    body = {"name": name.upper(), "goal": "dummy"}
    refused(api.ask("POST", "/v1/audit_templates", body), 409)


def named(api: ApiWorld, collection: str, name: str) -> Any:
    body = {"name": name, "goal": "dummy"}
    if collection == "audits":
        body["audit_type"] = "EVENT"
    return api.ask("POST", f"/v1/{collection}", body)


@pytest.mark.parametrize("letter", ["x", "\u65e5", "\N{ROCKET}"])
def test_lengths_are_counted_in_characters(api: ApiWorld, letter: str) -> None:
    """255 are too many: an audit keeps the first 63, a template is refused."""
    audit = named(api, "audits", letter * 255)
    assert audit.json["name"] == letter * LONGEST
    path = quote(letter * LONGEST, safe="")
    assert api.get(f"/v1/audits/{path}")["uuid"] == audit.json["uuid"]
    assert named(api, "audit_templates", letter * LONGEST).status_code == 201
    for length in (LONGEST + 1, 255):
        assert "63" in refused(named(api, "audit_templates", letter * length), 400)


def test_a_name_that_looks_like_a_number_is_taken_for_one(api: ApiWorld) -> None:
    """A numeric identifier is an id, as clients of the replaced service know it."""
    uuid = api.audit(name="2026", audit_type="EVENT")["uuid"]
    refused(api.ask("GET", "/v1/audits/2026"), 404)
    assert api.get(f"/v1/audits/{uuid}")["name"] == "2026"
