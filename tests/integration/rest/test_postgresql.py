"""The API on PostgreSQL: what SQLite forgives and PostgreSQL does not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.rest.serving import served
from tests.integration.rest.test_lists import LISTS, STAMPS
from tests.integration.rest.test_server import WRITERS, write_and_read
from tests.world.api import ApiWorld, refused


@pytest.fixture
def api(postgres_url: str) -> Iterator[ApiWorld]:
    with ApiWorld(postgres_url) as opened:
        yield opened


def test_lists_are_sorted_by_every_key_and_paged(api: ApiWorld) -> None:
    for _ in range(2):
        api.audit(strategy="dummy")
        api.template(strategy="dummy", default_parameters={"para1": 4.4})
        api.plan()
        api.worker("watcher-applier", f"ctl-{_}")
    for collection, keys in LISTS.items():
        ident = "id" if collection == "services" else "uuid"
        for key in [*keys, *STAMPS]:
            path = f"/v1/{collection}/detail?sort_key={key}"
            rows = [one[ident] for one in api.get(path)[collection]]
            down = api.get(f"{path}&sort_dir=desc")[collection]
            assert [one[ident] for one in down] == rows[::-1], (collection, key)
            page = api.get(f"{path}&limit=1&marker={rows[0]}")[collection]
            assert [one[ident] for one in page] == rows[1:2], (collection, key)


def test_things_are_found_filtered_and_changed(api: ApiWorld) -> None:
    name = "ünicode 日本 %"
    audit = api.audit(name=name, strategy="dummy", parameters={"para2": "🚀"})
    assert api.get("/v1/audits/%C3%9Cnicode%20%E6%97%A5%E6%9C%AC%20%25") == audit
    assert api.get("/v1/audits?goal=DUMMY&strategy=dummy")["audits"][0]["name"] == name
    patch = [{"op": "replace", "path": "/state", "value": "CANCELLED"}]
    changed = api.ask("PATCH", f"/v1/audits/{audit['uuid']}", patch)
    assert changed.json["state"] == "CANCELLED"
    refused(api.ask("GET", "/v1/audits/a%00b"), 404)
    refused(api.ask("GET", "/v1/audits?goal=a%00b"), 400)
    refused(api.ask("GET", f"/v1/audits/{'9' * 40}"), 404)


def test_a_get_after_a_write_sees_it_whichever_worker_answers(api: ApiWorld) -> None:
    positions: set[str] = set()
    with served(api, workers=4) as base, ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write_and_read, base, positions) for _ in range(WRITERS)]:
            done.result(100)
    assert positions
