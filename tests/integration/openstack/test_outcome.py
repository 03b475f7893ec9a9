"""What Nova's records of a migration mean: every combination that its races can show."""

from typing import Any, cast

import pytest

from application.ports.cloud import Observation, Phase
from domain.kernel.reasons import Reason
from domain.plans.action_types.migrate import LANDED_ELSEWHERE
from domain.plans.reasons import (
    MIGRATION_ABORTED,
    MIGRATION_FAILED,
    MIGRATION_REFUSED,
    SERVER_NOT_FOUND,
)
from infrastructure.openstack.actions.nova.outcome import CONFIRM, cold, live
from infrastructure.openstack.actions.nova.records import COLD, NovaRecords, find_records
from infrastructure.openstack.service import CloudService

Json = dict[str, Any]
SOURCE, DESTINATION, ELSEWHERE = "a", "b", "c"


def _server(host: str = SOURCE, task: str | None = None, status: str = "ACTIVE") -> Json:
    return {
        "id": "s",
        "status": status,
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-STS:task_state": task,
    }


def _migration(status: str, to: str | None = DESTINATION) -> Json:
    return {"uuid": "m", "status": status, "dest_compute": to}


def _action(*, error: bool = False, ended: bool = False, words: str = "no valid host") -> Json:
    event = {
        "result": "Error" if error else "Success",
        "details": words if error else None,
        "finish_time": "2026-01-01T00:00:00.000000" if ended or error else None,
    }
    return {"request_id": "req-1", "message": "Error" if error else None, "events": [event]}


def _reason(seen: Observation) -> str | None:
    return None if seen.because is None else seen.because.reason


def _phase(seen: Observation) -> Phase:
    return seen.phase


@pytest.mark.parametrize("status", ["accepted", "queued", "preparing", "running", "post-migrating"])
def test_a_live_migration_under_way_is_running(status: str) -> None:
    trace = NovaRecords(
        _server(task="migrating", status="MIGRATING"), _action(), _migration(status)
    )
    assert live("s", DESTINATION, trace).phase is Phase.RUNNING


def test_a_completed_migration_is_done_only_once_nova_has_let_go_of_the_server() -> None:
    """Nova writes ``completed`` before it clears the task state and moves the allocations."""
    trace = NovaRecords(_server(DESTINATION, task="migrating"), _action(), _migration("completed"))
    assert live("s", DESTINATION, trace).phase is Phase.RUNNING
    trace = NovaRecords(_server(DESTINATION), _action(), _migration("completed"))
    assert live("s", DESTINATION, trace) == Observation(
        Phase.DONE, {"host": DESTINATION, "migration": "m"}
    )


@pytest.mark.parametrize(("status", "phase"), [("completed", Phase.DONE), ("error", Phase.FAILED)])
def test_what_is_done_to_a_server_after_its_migration_does_not_hold_up_the_outcome(
    status: str, phase: Phase
) -> None:
    """The owner took a snapshot just as the server had arrived, and that took half an hour.

    The migration counted as running all the while, until its deadline made it a failure.
    """
    at = DESTINATION if phase is Phase.DONE else SOURCE
    uploading = _server(at, task="image_uploading")
    assert live(
        "s", DESTINATION, NovaRecords(uploading, _action(ended=True), _migration(status))
    ).phase is (phase)
    under_way = NovaRecords(uploading, _action(), _migration("running"))
    assert live("s", DESTINATION, under_way).phase is Phase.RUNNING


def test_without_a_destination_any_host_will_do() -> None:
    trace = NovaRecords(_server(ELSEWHERE), _action(), _migration("completed", ELSEWHERE))
    assert live("s", None, trace).phase is Phase.DONE


def test_landing_elsewhere_is_a_failure_that_names_both_hosts() -> None:
    trace = NovaRecords(_server(ELSEWHERE), _action(), _migration("completed", ELSEWHERE))
    seen = live("s", DESTINATION, trace)
    assert seen.because is not None
    assert seen.because.reason == LANDED_ELSEWHERE
    assert seen.because.facts == {"server": "s", "host": ELSEWHERE, "destination": DESTINATION}


def test_a_server_that_has_moved_on_since_was_still_moved() -> None:
    """Somebody else's later migration must not turn a success into a failure."""
    trace = NovaRecords(_server(ELSEWHERE), _action(), _migration("completed"), moved_again=True)
    assert live("s", DESTINATION, trace).phase is Phase.DONE
    trace = NovaRecords(
        _server(DESTINATION, task="migrating"), _action(), _migration("completed"), moved_again=True
    )
    assert live("s", DESTINATION, trace).phase is Phase.DONE


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("failed", MIGRATION_FAILED),
        ("error", MIGRATION_FAILED),
        ("cancelled", MIGRATION_ABORTED),
    ],
)
def test_a_broken_or_aborted_migration_has_failed_once_it_is_rolled_back(
    status: str, reason: Reason
) -> None:
    trace = NovaRecords(_server(task="migrating"), _action(error=True), _migration(status))
    assert live("s", DESTINATION, trace).phase is Phase.RUNNING
    seen = live("s", DESTINATION, NovaRecords(_server(), _action(error=True), _migration(status)))
    assert (seen.phase, _reason(seen)) == (Phase.FAILED, reason)


def test_a_migration_that_the_scheduler_turned_down_was_refused_in_its_words() -> None:
    trace = NovaRecords(
        _server(), _action(error=True, words="no\n valid host"), _migration("error", None)
    )
    seen = live("s", DESTINATION, trace)
    assert seen.because is not None
    assert seen.because.reason == MIGRATION_REFUSED
    assert seen.because.facts["error"] == "no valid host"


def test_the_reason_of_a_failure_is_waited_for() -> None:
    """Nova marks the migration as broken before it notes why: once seen on a real cloud."""
    marked = NovaRecords(_server(), _action(), _migration("error", None))
    assert live("s", DESTINATION, marked).phase is Phase.RUNNING
    assert _phase(cold("s", DESTINATION, marked)) is Phase.RUNNING


def test_a_server_that_arrives_broken_has_failed() -> None:
    trace = NovaRecords(_server(DESTINATION, status="ERROR"), _action(), _migration("completed"))
    assert _reason(live("s", DESTINATION, trace)) == MIGRATION_FAILED


def test_a_server_deleted_on_the_way_has_failed_and_one_deleted_after_arrival_has_not() -> None:
    assert _reason(live("s", DESTINATION, NovaRecords(None, _action(), _migration("running")))) == (
        SERVER_NOT_FOUND
    )
    done = live("s", DESTINATION, NovaRecords(None, _action(), _migration("completed")))
    assert done.phase is Phase.DONE


@pytest.mark.parametrize("move", [live, cold])
def test_a_request_whose_migration_is_not_there(move: Any) -> None:
    """Not yet made, turned down before it was made, or archived since."""
    coming = NovaRecords(_server(), _action())
    assert _phase(move("s", DESTINATION, coming)) is Phase.RUNNING
    coming = NovaRecords(_server(task="migrating"), _action(error=True))
    assert _phase(move("s", DESTINATION, coming)) is Phase.RUNNING
    refused = NovaRecords(_server(), _action(error=True))
    assert _reason(move("s", DESTINATION, refused)) == MIGRATION_REFUSED
    archived = NovaRecords(_server(DESTINATION), _action(ended=True))
    assert _phase(move("s", DESTINATION, archived)) is Phase.DONE
    lost = NovaRecords(_server(), _action(ended=True))
    assert _phase(move("s", DESTINATION, lost)) is Phase.UNKNOWN
    assert _reason(move("s", DESTINATION, NovaRecords(None, _action()))) == SERVER_NOT_FOUND


@pytest.mark.parametrize("status", ["pre-migrating", "migrating", "post-migrating", "confirming"])
def test_a_cold_migration_under_way_is_running(status: str) -> None:
    trace = NovaRecords(
        _server(task="resize_migrating", status="RESIZE"), _action(), _migration(status)
    )
    assert _phase(cold("s", DESTINATION, trace)) is Phase.RUNNING


def test_a_cold_migration_that_has_arrived_wants_to_be_confirmed() -> None:
    waiting = _server(DESTINATION, status="VERIFY_RESIZE")
    arrived = cold("s", DESTINATION, NovaRecords(waiting, _action(), _migration("finished")))
    assert (arrived.phase, arrived.next_step) == (Phase.RUNNING, CONFIRM)
    archived = cold("s", DESTINATION, NovaRecords(waiting, _action(ended=True)))
    assert (archived.phase, archived.next_step) == (Phase.RUNNING, CONFIRM)


def test_what_others_have_resized_is_theirs_to_confirm() -> None:
    """Our migration had been turned down; the tenant's resize was confirmed in its place.

    It waited for the tenant's word, and could not be reverted any more.
    """
    waiting = _server(DESTINATION, status="VERIFY_RESIZE")
    refused = cold("s", ELSEWHERE, NovaRecords(waiting, _action(error=True)))
    assert _reason(refused) == MIGRATION_REFUSED
    lost_on_the_way = NovaRecords(waiting, _action(), moved_again=True)
    lost = cold("s", ELSEWHERE, lost_on_the_way)
    assert (lost.phase, lost.next_step) == (Phase.RUNNING, None)
    ended = NovaRecords(waiting, _action(ended=True), moved_again=True)
    assert _phase(cold("s", ELSEWHERE, ended)) is Phase.UNKNOWN


def test_a_confirmation_under_way_is_not_given_again() -> None:
    busy = _server(DESTINATION, task="resize_confirming", status="VERIFY_RESIZE")
    given = _server(DESTINATION, status="VERIFY_RESIZE")
    for server, status in ((busy, "finished"), (given, "confirming")):
        seen = cold("s", DESTINATION, NovaRecords(server, _action(), _migration(status)))
        assert (seen.phase, seen.next_step) == (Phase.RUNNING, None)


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_confirmed_migration_is_done(status: str) -> None:
    trace = NovaRecords(_server(DESTINATION, status=status), _action(), _migration("confirmed"))
    assert _phase(cold("s", DESTINATION, trace)) is Phase.DONE


@pytest.mark.parametrize(
    ("migration", "task", "status"),
    [
        ("confirmed", None, "VERIFY_RESIZE"),
        ("confirmed", "resize_finish", "RESIZE"),
        ("reverted", "resize_reverting", "REVERT_RESIZE"),
        ("reverted", "powering-off", "VERIFY_RESIZE"),
        ("error", "resize_migrating", "RESIZE"),
    ],
)
def test_a_cold_migration_ends_only_once_nova_accepts_the_next_action(
    migration: str, task: str | None, status: str
) -> None:
    """Nova writes ``confirmed`` before it sets the server to ACTIVE: the next action got a 409."""
    held = _server(DESTINATION, task=task, status=status)
    seen = cold("s", DESTINATION, NovaRecords(held, _action(ended=True), _migration(migration)))
    assert (seen.phase, seen.next_step) == (Phase.RUNNING, None)


def test_a_later_resize_by_the_owner_does_not_hold_up_a_confirmed_migration() -> None:
    resized = _server(ELSEWHERE, status="VERIFY_RESIZE")
    trace = NovaRecords(resized, _action(ended=True), _migration("confirmed"), moved_again=True)
    assert _phase(cold("s", DESTINATION, trace)) is Phase.DONE


@pytest.mark.parametrize(
    ("status", "reason"),
    [("error", MIGRATION_FAILED), ("reverted", MIGRATION_ABORTED)],
)
def test_a_broken_or_reverted_cold_migration_has_failed(status: str, reason: Reason) -> None:
    seen = cold("s", DESTINATION, NovaRecords(_server(), _action(ended=True), _migration(status)))
    assert _reason(seen) == reason


def test_a_refusal_between_two_reads_shows_novas_words() -> None:
    """Nova's scheduler refused just as the records were read: the action was read before, the
    migration after that. The outcome was a failed migration, "no reason given"."""
    migration = {
        **_migration("error", None),
        "id": 1,
        "migration_type": "migration",
        "instance_uuid": "s",
        "created_at": "2026-01-01T00:00:00",
    }

    class Refusing:
        """Nova, whose scheduler refuses after the first read."""

        reads = 0

        def get(self, path: str, query: object = None) -> Json:
            del query
            self.reads += 1
            if path == "/os-migrations":
                return {"migrations": [migration] if self.reads > 1 else []}
            action: Json = {"request_id": "req-1", "message": None, "events": []}
            after = {**_action(error=True), "updated_at": "2026-01-01T00:00:01"}
            return {"instanceAction": after if self.reads > 1 else action}

    before: dict[str, object] = {"migrations": [], "newest_migration": None, "user": "u"}
    receipt: dict[str, object] = {"request_id": "req-1"}
    nova = cast("CloudService", Refusing())
    records = find_records(nova, COLD, _server(), "s", before, receipt)
    seen = cold("s", DESTINATION, records)
    assert _reason(seen) == MIGRATION_REFUSED
    assert "no valid host" in str(seen.because)
