"""Ten thousand audits, read page by page while others are being made."""

import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import requests

from domain.audits import Audit, AuditDefinition, AuditType
from domain.kernel.metadata import Context
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld
from tests.world.world import TEST

MANY = 10_000
BATCH = 250
PAGE = 137
"""Divides neither MANY nor BATCH."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def fill(api: ApiWorld) -> list[str]:
    """Many audits; returns their ids in the order of their creation."""
    ids: list[UUID] = [uuid4() for _ in range(MANY)]
    for begin in range(0, MANY, BATCH):
        ctx = Context(api.clock.now(), TEST)
        api.log.save(*(_audit(ctx, one) for one in ids[begin : begin + BATCH]))
    assert api.reads.await_position(api.log.end(), 120)
    return [str(one) for one in ids]


def _audit(ctx: Context, ident: UUID) -> Audit:
    definition = AuditDefinition(f"many {ident}", AuditType.EVENT, "dummy", None, {}, [])
    return Audit.request(ctx, ident, definition)


def followed(url: str) -> list[str]:
    """The ids of all rows of a list, page by page."""
    seen: list[str] = []
    with requests.Session() as http:
        while url:
            page = http.get(url, timeout=60).json()
            seen += [one["uuid"] for one in page["audits"]]
            url = page.get("next", "")
    return seen


@pytest.mark.parametrize(
    ("query", "oldest_first"),
    [("", True), ("&sort_key=created_at", True), ("&sort_key=created_at&sort_dir=desc", False)],
)
def test_no_row_is_doubled_or_left_out(tmp_path: Path, query: str, oldest_first: bool) -> None:
    with ApiWorld(tmp_path) as api:
        ids = fill(api)
        stop = threading.Event()
        late: list[str] = []

        def add() -> None:
            while not stop.is_set():
                late.append(api.audit(audit_type="EVENT")["uuid"])

        with served(api, workers=2) as base:
            adding = threading.Thread(target=add)
            adding.start()
            try:
                seen = followed(f"{base}/v1/audits?limit={PAGE}{query}")
            finally:
                stop.set()
                adding.join(60)
        assert late
        assert len(seen) == len(set(seen))
        old = [one for one in seen if one not in set(late)]
        assert sorted(old) == sorted(ids)
        if oldest_first:
            assert set(seen[:BATCH]) == set(ids[:BATCH])
