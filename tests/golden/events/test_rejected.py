"""A log with an entry that is no event of this code, or that does not follow the others."""

import json
from collections.abc import Mapping
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import MalformedEntry, RecordedEvent, UnreadableEvent
from application.replay.aggregate_history import NoSuchMoment
from application.replay.state_at import state_at
from domain.plans import ActionPlan
from infrastructure.event_log import SqlEventLog
from tests.golden.events.generate import HERE, rows, stories

REJECTED: list[Mapping[str, str]] = [
    json.loads(line) for line in (HERE / "rejected.jsonl").read_text("utf-8").splitlines()
]
"""``state``: the stored bytes as latin-1; ``error``: what its rejection says."""
MISPLACED = ("audit.requested", "plan.proposed")
"""Topics of entries that are events, but not there."""


def story(event_log: SqlEventLog, bad: Mapping[str, str]) -> tuple[UUID, int]:
    """Fills a log with the events of a plan and a bad entry after them; its id and the bad version.

    The entry is followed by a good one of another aggregate.
    """
    told = rows(stories()[-1])
    plan = next(row.aggregate for row in told if row.topic == "plan.proposed")
    good = [one for one in told if one.aggregate == plan]
    version = len(good) + 1
    after = next(one for one in told if one.topic == "audit.requested")
    event_log._store.insert(
        [
            *(StoredEvent(UUID(plan), one.version, one.topic, bytes(one.state)) for one in good),
            StoredEvent(UUID(plan), version, bad["topic"], bad["state"].encode("latin-1")),
            StoredEvent(UUID(after.aggregate), 1, after.topic, bytes(after.state)),
        ]
    )
    return UUID(plan), version


@pytest.mark.parametrize("bad", REJECTED, ids=lambda bad: bad["what"])
def test_it_is_rejected_with_what_is_wrong_and_nothing_else_is(
    event_log: SqlEventLog, bad: Mapping[str, str]
) -> None:
    plan, version = story(event_log, bad)
    entries = event_log.read(0, 100)
    entry, after = entries[version - 1 :]
    if bad["topic"] not in MISPLACED:
        assert isinstance(entry, MalformedEntry)
        assert bad["error"] in entry.error
    assert isinstance(after, RecordedEvent), "the entries after it are read"
    with pytest.raises(NoSuchMoment, match=f"version {version} of {plan}") as shown:
        state_at(event_log, plan)
    assert bad["error"] in str(shown.value)
    assert state_at(event_log, plan, version=version - 1).version == version - 1
    with pytest.raises(UnreadableEvent, match=f"version {version} ") as refused:
        event_log.find(ActionPlan, plan)
    assert bad["error"] in str(refused.value)


def test_every_kind_of_bad_entry_is_there() -> None:
    kinds = {one["what"] for one in REJECTED}
    assert {"an unknown topic", "a newer class version", "no JSON", "no UTF-8"} <= kinds
    assert len(kinds) == len(REJECTED)
