"""The anchor of the seal in a stream of a real NATS server."""

from pathlib import Path

import pytest
from nats.js.errors import APIError

from application.ports.seal import AnchorUnavailable
from application.seal.sealer import AnchorAhead, Sealer
from application.seal.verification import verify_log
from infrastructure.event_log import open_event_log, open_seals, upgrade
from infrastructure.messaging import EmbeddedNats
from infrastructure.messaging.connection import connected
from infrastructure.seal.anchor_stream import AnchorStream
from infrastructure.seal.keys import PrivateKey, PublicKeys
from tests.conformance.event_log.counters import CLOCK, opened
from tests.conformance.seal.tampering import Execute, tampered
from tests.nats import nats_server, run  # noqa: F401 - a fixture

BATCH = 4


def test_truncation_is_found_by_statements_that_nobody_can_delete(
    nats_server: EmbeddedNats,  # noqa: F811
    tmp_path: Path,
) -> None:
    url, key = f"sqlite:///{tmp_path / 'events.db'}", PrivateKey.create(tmp_path / "seal.key")
    upgrade(url)
    log, seals, keys = open_event_log(url), open_seals(url), PublicKeys([key.public_pem()])
    anchor = AnchorStream(nats_server.settings, "SEALS")
    assert anchor.statements() == []
    opened(log, *range(BATCH - 1))
    first, other = (Sealer(seals, seals, key, anchor, CLOCK, BATCH) for _ in range(2))
    first.seal()
    other.seal()  # knows the anchor
    opened(log, *range(BATCH, 3 * BATCH))
    first.seal()
    other.seal()  # adds what the first one added meanwhile
    assert anchor.statements() == [seal.statement for seal in seals.page(0, 10)]
    assert verify_log(seals, seals, keys, anchor.statements()).count == 0

    def cut(execute: Execute) -> None:
        execute(f"DELETE FROM stored_events WHERE {{position}} > {BATCH}")  # noqa: S608
        execute("DELETE FROM seals WHERE number > 1")

    tampered(url, cut)
    assert verify_log(seals, seals, keys).count == 0
    assert verify_log(seals, seals, keys, anchor.statements()).first_bad == BATCH + 1
    with pytest.raises(AnchorAhead):
        Sealer(seals, seals, key, anchor, CLOCK, BATCH).seal()
    for broken in (_delete(nats_server), _purge(nats_server)):
        with pytest.raises(APIError):
            run(broken)
    with pytest.raises(AnchorUnavailable, match=r"SEALS: .*wrong last sequence"):
        anchor.add([seals.page(0, 1)[0].statement.replace(b'"count":4', b'"count":5')])
    log.close()
    seals.close()


def test_a_stream_that_allows_to_delete_is_no_anchor(
    nats_server: EmbeddedNats,  # noqa: F811
) -> None:
    async def weak() -> None:
        async with connected(nats_server.settings, "test") as nats:
            await nats.jetstream.add_stream(name="WEAK", subjects=["WEAK.seals"])

    run(weak())
    with pytest.raises(AnchorUnavailable, match="it allows to delete or purge"):
        AnchorStream(nats_server.settings, "WEAK").add([])


async def _delete(server: EmbeddedNats) -> None:
    async with connected(server.settings, "test") as nats:
        await nats.jetstream.delete_msg("SEALS", 1)


async def _purge(server: EmbeddedNats) -> None:
    async with connected(server.settings, "test") as nats:
        await nats.jetstream.purge_stream("SEALS")
