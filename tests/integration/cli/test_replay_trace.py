"""`vigil replay trace` and `blame`, and ids that are found by an index."""

import json

import pytest

from application.replay.find import AmbiguousSubject, Subject, find
from domain.audits import Audit
from infrastructure.event_log import SqlEventLog
from tests.given import context
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_AUDIT, SHORT_NAME, ShortHistory
from tests.world.values import definition
from tests.world.world import World

pytestmark = pytest.mark.usefixtures("settings")


def test_a_trace_shows_when_each_part_of_a_run_began_and_how_long_it_took(
    cli: Cli, story: ShortHistory
) -> None:
    spans = json.loads(cli.text("trace", SHORT_NAME, "--json"))
    actions = [one for one in spans if one["fact"]["action"] is not None]
    assert [(one["offset"], one["fact"]["seconds"]) for one in actions] == [
        (12.0, 1.0),
        (14.0, 1.0),
        (15.0, None),
    ]
    assert [one["what"] for one in actions[0]["calls"]] == ["request"]
    assert {one["fact"]["topic"] for one in spans} >= {"audit.run-claimed", "plan.claimed"}
    assert cli.text("trace", str(story.plan)) == cli.text("trace", str(story.run))
    assert "12.00 s  \u2713 migrate web-1 host-01 -> host-02  1.00 s" in cli.text(
        "trace", SHORT_NAME
    )


def test_blame_names_each_event_that_set_an_attribute(cli: Cli, story: ShortHistory) -> None:
    found = json.loads(cli.text("blame", str(story.plan), "state", "--json"))
    assert [(one["before"], one["after"]) for one in found] == [
        ("(absent)", "RECOMMENDED"),
        ("RECOMMENDED", "PENDING"),
        ("PENDING", "ONGOING"),
        ("ONGOING", "FAILED"),
    ]
    assert found[1]["event"]["position"] == story.launched
    inner = f"actions.{story.actions[1]}.state"
    assert "ONGOING -> FAILED" in cli.text("blame", str(story.plan), inner)
    assert len(cli.text("blame", str(story.plan), "state", "--limit", "1").splitlines()) == 2
    assert "no attribute nonsense" in cli.fails("blame", str(story.plan), "nonsense")


def test_the_beginning_of_an_id_is_found_by_an_index_as_by_a_search(
    event_database: str, event_log: SqlEventLog, story: ShortHistory
) -> None:
    with World(event_database, event_log) as world:
        world.projector.catch_up()
        for word, subject in (
            (str(story.plan)[:6], Subject(story.plan)),
            (story.plan.hex[:20].upper(), Subject(story.plan)),
            (str(story.actions[2])[:8], Subject(story.plan, action=story.actions[2])),
            (str(story.run)[:9], Subject(SHORT_AUDIT, run=story.run)),
        ):
            assert find(event_log, word, lambda: world.reads) == subject
            assert find(event_log, word) == subject


def test_an_ambiguous_beginning_lists_what_it_may_be(event_log: SqlEventLog) -> None:
    wanted = [SHORT_AUDIT.int ^ place for place in range(7)]
    for number in wanted:
        ident = type(SHORT_AUDIT)(int=number)
        event_log.save(Audit.request(context(), ident, definition(name=str(number))))
    with pytest.raises(AmbiguousSubject) as caught:
        find(event_log, SHORT_AUDIT.hex[:30])
    assert str(caught.value).count("00000000-") == 5
    assert str(caught.value).endswith(", …")
