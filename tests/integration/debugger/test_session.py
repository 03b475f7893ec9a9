"""The model of the debugger, without a terminal."""

from pathlib import Path

import pytest

from application.replay.aggregate_history import NoSuchMoment
from application.replay.debugger import lines
from application.replay.debugger.lines import LogLines, Window
from application.replay.debugger.session import Session
from application.replay.debugger.watched_log import Stopped, WatchedLog
from application.replay.facts import Fact, Folding
from domain.plans import ActionPlan, PlanState
from domain.plans.action import ActionState
from tests.given import context
from tests.integration.debugger.conftest import Recorded, recording
from tests.world.executed import MOVES


def listed(session: Session) -> list[int]:
    """Every line, by stepping from the first to the last."""
    assert session.end(-1)
    found = []
    while session.selected is not None:
        found.append(session.selected.position)
        if not session.step(1):
            break
    return found


def here(session: Session) -> int:
    assert session.selected is not None
    return session.selected.position


@pytest.mark.parametrize("page", [3, 8, 256])
def test_the_lines_are_those_of_the_log_however_it_is_paged(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(lines, "PAGE", page)
    folding = Folding()
    whole = list(folding.of(recorded.log.read(0, 1000))) + folding.running()
    facts = {one.position: one for one in whole}
    session = recorded.session()
    assert listed(session) == sorted(facts)
    back = [here(session)]
    while session.step(-1):
        assert session.selected is not None
        assert session.selected.fact == facts[here(session)]
        back.append(here(session))
    assert back == sorted(facts, reverse=True)


@pytest.mark.parametrize("height", [1, 2, 5, 100])
def test_a_window_shows_the_selected_line_and_is_full(session: Session, height: int) -> None:
    everything = listed(session)
    window = Window(session.in_log)
    for position in (*everything, *reversed(everything), everything[0], everything[-1]):
        assert session.goto(position)
        assert session.selected is not None
        rows = [one.position for one in window.rows(session.selected, height)]
        assert position in rows
        start = everything.index(rows[0])
        assert rows == everything[start : start + min(height, len(everything))]


def test_a_window_moves_by_one_line_at_its_edge(session: Session) -> None:
    session.end(-1)
    tops = set()
    for _ in range(4):
        tops.add(session.rows(5)[0].position)
        session.step(1)
    assert len(tops) == 1
    first = session.rows(5)
    session.step(1)
    assert session.rows(5)[:-1] == first[1:]


def test_an_event_of_an_action_finds_the_line_of_the_action(
    session: Session, recorded: Recorded
) -> None:
    for action in recorded.actions[:MOVES]:
        events = [
            one.position
            for one in recorded.log.history(recorded.plan)
            if getattr(one.event, "action_id", None) == action  # type: ignore[union-attr]
        ]
        assert len(events) > 1
        for position in events:
            session.goto(position)
            assert here(session) == events[-1]


def test_the_next_event_of_an_object_skips_others(session: Session, recorded: Recorded) -> None:
    session.end(-1)
    visited = [here(session)]
    while session.same_aggregate(1):
        visited.append(here(session))
    owners = {recorded.log.read(one - 1, 1)[0].aggregate_id for one in visited}
    assert owners == {recorded.audit}
    back = [here(session)]
    while session.same_aggregate(-1):
        back.append(here(session))
    assert back == visited[::-1]
    assert len(visited) > 2


def test_the_state_shows_what_the_event_changed(session: Session, recorded: Recorded) -> None:
    session.toggle_every()
    for position in listed(session):
        session.goto(position)
        state = session.state()
        assert state is not None
        assert state.version == recorded.log.version(state.aggregate_id, position)
    session.goto(recorded.log.end())
    state = session.state()
    assert state is not None
    assert {one.path.rpartition(".")[2] for one in state.changed} >= {"receipt"}
    assert state.values["actions"] == "10 SUCCEEDED, 1 FAILED, 1 ONGOING, 1 CANCELLED"


def test_a_tree_has_the_facts_of_the_run_under_their_causes(
    session: Session, recorded: Recorded
) -> None:
    session.goto(recorded.log.end())
    assert session.toggle_tree()
    assert here(session) == recorded.log.end()
    in_tree = listed(session)
    assert len(in_tree) == len(set(in_tree)) > MOVES
    assert session.selected is not None
    assert session.selected.lead.endswith("└ ")
    assert session.toggle_tree()
    assert not session.is_tree
    session.end(-1)
    assert not session.toggle_tree()  # the request of the audit belongs to no run


def test_a_watched_attribute_is_marked_and_its_changes_are_visited(session: Session) -> None:
    session.end(1)
    assert not session.next_change(1)
    watch = session.watch("state")
    assert watch is not None
    visited = []
    while session.next_change(-1):
        visited.append(here(session))
        assert session.selected is not None
        assert session.is_watched(session.selected.fact)
    assert visited == sorted(watch.positions, reverse=True)
    assert session.is_every  # a claim is routine: it would not be listed
    assert session.next_change(1)
    assert session.watch("state") is None
    assert not session.watches
    with pytest.raises(NoSuchMoment, match="no attribute colour"):
        session.watch("colour")


def test_bookmarks_are_visited_in_a_circle(session: Session) -> None:
    assert not session.next_bookmark()
    everything = listed(session)
    for position in (everything[2], everything[5]):
        session.goto(position)
        assert session.toggle_bookmark()
    assert [session.next_bookmark() and here(session) for _ in range(3)] == [
        everything[2],
        everything[5],
        everything[2],
    ]
    assert not session.toggle_bookmark()
    assert session.bookmarks == [everything[5]]


def test_a_search_finds_the_next_and_the_previous_fact_and_can_be_stopped(
    session: Session, recorded: Recorded
) -> None:
    def failed(fact: Fact) -> bool:
        return fact.state is ActionState.FAILED

    session.end(-1)
    found = session.seek(failed, recorded.log)
    assert found is not None
    assert found.fact.what.startswith("migrate web-02")
    session.end(1)
    assert session.seek(failed, recorded.log, -1) == found
    session.select(found)
    assert session.seek(failed, recorded.log) is None
    assert session.seek(failed, recorded.log, -1) is None

    def stop(position: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        session.seek(failed, WatchedLog(recorded.log, stop))


def test_the_end_has_what_was_appended_meanwhile(tmp_path: Path) -> None:
    with recording(tmp_path) as own:
        session = own.session()
        end = own.log.end()
        plan = own.log.find(ActionPlan, own.plan)
        assert plan is not None
        plan.move(context(60), PlanState.CANCELLING)
        own.log.save(plan)
        assert not session.step(1)
        assert session.end(1)
        assert here(session) == end + 1


def test_an_empty_log_has_no_lines(recorded: Recorded) -> None:
    class Empty:
        def end(self) -> int:
            return 0

        def read(self, *_: object) -> list[object]:
            return []

    session = Session(Empty(), lambda: recorded.records, dict)  # type: ignore[arg-type]
    assert session.selected is None
    assert session.rows(5) == []
    assert not session.step(1)
    assert session.state() is None
    assert session.hosts() is None
    assert LogLines(Empty()).at(7) is None  # type: ignore[arg-type]
