from datetime import datetime, timedelta
from typing import Any

from application.ports.cloud import CLOUD_UNREACHABLE
from application.ports.read_models import AuditView, Page
from domain.audits import Audit, AuditDefinition, AuditState, AuditType, RunCause
from domain.audits.reasons import STRATEGY_FAILED
from domain.catalogue import PluginCatalogue
from domain.kernel.reasons import OWNER_LOST, Cause
from tests.given import NOON, context, ident
from tests.world.histories import installed
from tests.world.values import started
from tests.world.world import World, names

UNREACHABLE = Cause(CLOUD_UNREACHABLE, {"error": "no route"})


def request(
    number: int = 1, kind: AuditType = AuditType.ONESHOT, name: str = "", **details: Any
) -> Audit:
    definition = AuditDefinition(
        name=name or f"audit {number}",
        audit_type=kind,
        goal=details.pop("goal", "server_consolidation"),
        strategy=details.pop("strategy", "basic"),
        parameters={"n": number},
        scope=[],
        interval=details.pop("interval", "60" if kind is AuditType.CONTINUOUS else None),
        **details,
    )
    return Audit.request(context(number), ident(number), definition)


def run_of(audit: Audit) -> tuple[Any, int]:
    if audit.run is None:
        raise AssertionError("no open run")
    return audit.run.id, audit.run.epoch


def shown(world: World, audit: Audit) -> AuditView:
    world.save(audit)
    found = world.reads.audit(str(audit.id), show_deleted=True)
    assert found is not None
    return found


def catalogue(world: World) -> None:
    opened = PluginCatalogue.open(context())
    started(opened, context(), installed())
    world.log.save(opened)


def test_a_new_audit_shows_what_was_asked_for(world: World) -> None:
    catalogue(world)
    audit = shown(world, request())
    assert (audit.name, audit.audit_type, audit.state) == ("audit 1", "ONESHOT", "PENDING")
    assert (audit.goal_name, audit.strategy_name) == ("server_consolidation", "basic")
    assert (audit.parameters, audit.scope, audit.interval) == ({"n": 1}, [], None)
    assert (audit.auto_trigger, audit.force) == (False, False)
    assert (audit.hostname, audit.status_message, audit.next_run_time) == (None, None, None)
    assert audit.version == 2  # requested, and its run
    assert (audit.created_at, audit.updated_at) == (context(1).at, None)


def test_an_audit_without_a_strategy_shows_none(world: World) -> None:
    catalogue(world)
    audit = shown(world, request(strategy=None))
    assert (audit.strategy_uuid, audit.strategy_name) == (None, None)


def test_a_run_is_open_from_its_request_to_its_end(world: World) -> None:
    audit = request()
    position = world.save(audit)
    (due,) = world.reads.open_runs(NOON + timedelta(hours=1))
    run, _ = run_of(audit)
    assert (due.audit_id, due.run_id, due.owner) == (audit.id, run, None)
    assert (due.due, due.not_before, due.position) == (context(1).at, None, position)
    assert due.force is audit.force is False
    audit.claim_run(context(5), run, "engine/1", "ctl-1")
    claimed = shown(world, audit)
    assert (claimed.state, claimed.hostname, claimed.updated_at) == (
        "ONGOING",
        "ctl-1",
        context(5).at,
    )
    (held,) = world.reads.open_runs(NOON + timedelta(hours=1))
    assert (held.owner, held.position) == ("engine/1", position)
    audit.succeed_run(context(9), run, 1, ident(99))
    ended = shown(world, audit)
    assert (ended.state, ended.status_message, ended.hostname) == ("SUCCEEDED", None, "ctl-1")
    assert world.reads.open_runs(NOON + timedelta(hours=1)) == []


def test_a_deferred_run_says_why_and_is_open_again_from_its_time(world: World) -> None:
    audit = request()
    run, _ = run_of(audit)
    audit.claim_run(context(2), run, "engine/1", "ctl-1")
    audit.defer_run(context(3), run, 1, UNREACHABLE, context(63).at)
    deferred = shown(world, audit)
    assert deferred.state == "ONGOING"
    assert deferred.status_message == "The cloud could not be reached: no route"
    assert world.reads.open_runs(context(62).at) == []
    (again,) = world.reads.open_runs(context(63).at)
    assert (again.owner, again.not_before) == (None, context(63).at)


def test_a_run_that_is_not_due_yet_is_not_open(world: World) -> None:
    audit = request(1, AuditType.EVENT)
    audit.request_run(context(2), context(100).at, RunCause.WEBHOOK)
    audit.change(context(3), {"force": True})
    world.save(audit)
    assert world.reads.open_runs(context(99).at) == []
    (due,) = world.reads.open_runs(context(100).at)
    assert due.force is True


def test_a_takeover_says_whose_run_it_was(world: World) -> None:
    audit = request()
    run, _ = run_of(audit)
    audit.claim_run(context(2), run, "engine/1", "ctl-1")
    lost = Cause(OWNER_LOST, {"owner": "engine/1", "successor": "engine/2"})
    audit.claim_run(context(3), run, "engine/2", "ctl-2", takeover=lost)
    taken = shown(world, audit)
    assert taken.status_message == "Worker engine/1 was lost; engine/2 took over."
    assert taken.hostname == "ctl-2"


def test_a_failed_run_says_why_and_a_message_never_exceeds_its_column(world: World) -> None:
    audit = request()
    run, _ = run_of(audit)
    audit.claim_run(context(2), run, "engine/1", "ctl-1")
    audit.fail_run(context(3), run, 1, Cause(STRATEGY_FAILED, {"error": "x" * 400}))
    failed = shown(world, audit)
    assert failed.state == "FAILED"
    assert failed.status_message is not None
    assert failed.status_message.startswith("The strategy failed: xxx")
    assert len(failed.status_message) == 255


def test_a_continuous_audit_shows_its_next_run_on_the_grid_of_its_due_times(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS)
    assert shown(world, audit).next_run_time is None
    audit.request_run(context(10), context(5).at, RunCause.SCHEDULE)
    ongoing = shown(world, audit)
    assert ongoing.next_run_time == context(65).at
    assert ongoing.updated_at == context(10).at
    (schedule,) = world.reads.continuous_audits()
    assert (schedule.audit_id, schedule.interval, schedule.last_due) == (
        audit.id,
        "60",
        context(5).at,
    )
    assert (schedule.state, schedule.run_open) == ("PENDING", True)


def test_a_continuous_audit_follows_cron(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS, interval="30 * * * *")
    assert shown(world, audit).next_run_time == NOON.replace(minute=30)
    audit.request_run(context(1800), NOON.replace(minute=30), RunCause.SCHEDULE)
    assert shown(world, audit).next_run_time == NOON.replace(hour=13, minute=30)


def test_a_cron_match_at_the_start_time_itself_is_the_first_run(world: World) -> None:
    half_past = NOON.replace(minute=30)
    audit = request(1, AuditType.CONTINUOUS, interval="30 * * * *", start_time=half_past)
    assert shown(world, audit).next_run_time == half_past
    (schedule,) = world.reads.continuous_audits()
    assert schedule.created_at == context(1).at


def test_a_cron_audit_shows_no_run_after_its_last_match(world: World) -> None:
    match = NOON.replace(minute=30)
    audit = request(1, AuditType.CONTINUOUS, interval="30 12 24 11 * 0 2026")
    assert shown(world, audit).next_run_time == match
    audit.request_run(context(1800), match, RunCause.SCHEDULE)
    assert shown(world, audit).next_run_time is None


def test_no_next_run_is_shown_at_or_after_the_end_time(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS, end_time=context(600).at)
    audit.request_run(context(2), context(2).at, RunCause.SCHEDULE)
    assert shown(world, audit).next_run_time == context(62).at
    audit.change(context(3), {"end_time": context(62).at.isoformat()})
    assert shown(world, audit).next_run_time is None
    audit.change(context(4), {"end_time": context(63).at.isoformat()})
    assert shown(world, audit).next_run_time == context(62).at


def test_a_resumed_audit_shows_its_next_run_in_the_future(world: World) -> None:
    """After ten minutes of suspension the next run was shown ten minutes in the past."""
    audit = request(1, AuditType.CONTINUOUS)
    audit.request_run(context(2), context(2).at, RunCause.SCHEDULE)
    run, _ = run_of(audit)
    audit.claim_run(context(3), run, "engine/1", "ctl-1")
    audit.move(context(4), AuditState.SUSPENDED)
    audit.move(context(600), AuditState.ONGOING)
    assert shown(world, audit).next_run_time == context(602).at


def test_an_interval_that_no_clock_reaches_has_no_next_run_and_is_no_bad_event(
    world: World,
) -> None:
    audit = request(1, AuditType.CONTINUOUS, interval="9" * 30)
    audit.request_run(context(2), context(2).at, RunCause.SCHEDULE)
    assert shown(world, audit).next_run_time is None
    assert world.reads.quarantine() == []


def test_a_changed_interval_moves_the_next_run_and_nonsense_has_none(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS)
    audit.request_run(context(2), context(2).at, RunCause.SCHEDULE)
    audit.change(context(3), {"interval": "600"})
    assert shown(world, audit).next_run_time == context(602).at
    audit.change(context(4), {"interval": "bogus"})
    bogus = shown(world, audit)
    assert (bogus.interval, bogus.next_run_time) == ("bogus", None)


def test_suspension_takes_the_next_run_away_and_resumption_gives_it_back(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS)
    audit.request_run(context(2), context(2).at, RunCause.SCHEDULE)
    run, _ = run_of(audit)
    audit.claim_run(context(3), run, "engine/1", "ctl-1")
    audit.move(context(4), AuditState.SUSPENDED)
    suspended = shown(world, audit)
    assert (suspended.state, suspended.next_run_time) == ("SUSPENDED", None)
    assert world.reads.continuous_audits() == []
    assert world.reads.open_runs(NOON + timedelta(days=1)) == []
    audit.move(context(5), AuditState.ONGOING)
    resumed = shown(world, audit)
    assert (resumed.state, resumed.next_run_time) == ("ONGOING", context(62).at)
    assert [one.run_open for one in world.reads.continuous_audits()] == [False]


def test_changed_attributes_are_shown_with_times_as_times(world: World) -> None:
    audit = request(1, AuditType.CONTINUOUS)
    end = datetime.fromisoformat("2026-12-01T10:00:00+00:00")
    audit.change(context(3), {"name": "New Name", "end_time": end.isoformat(), "force": True})
    changed = shown(world, audit)
    assert (changed.name, changed.end_time, changed.force) == ("New Name", end, True)
    assert world.reads.audit("new name") == changed
    audit.change(context(4), {"end_time": None})
    assert shown(world, audit).end_time is None


def test_a_cancelled_audit_says_so(world: World) -> None:
    audit = request()
    audit.move(context(2), AuditState.CANCELLED)
    cancelled = shown(world, audit)
    assert (cancelled.state, cancelled.status_message) == ("CANCELLED", "Cancelled by user.")
    assert world.reads.open_runs(NOON + timedelta(days=1)) == []


def test_a_deleted_audit_is_hidden_and_its_name_free(world: World) -> None:
    audit = request(1, name="nightly")
    audit.move(context(2), AuditState.CANCELLED)
    audit.delete(context(3))
    gone = shown(world, audit)
    assert (gone.state, gone.deleted_at) == ("DELETED", context(3).at)
    assert world.reads.audit("nightly") is None
    assert world.reads.audit(str(audit.id)) is None
    world.save(request(2, name="Nightly"))
    found = world.reads.audit("nightly")
    assert found is not None
    assert found.uuid == ident(2)


def test_audits_are_filtered_by_goal_and_strategy_by_name_or_uuid(world: World) -> None:
    catalogue(world)
    world.save(request(1), request(2, goal="dummy", strategy="dummy"), request(3, strategy=None))
    goal = world.reads.goal("server_consolidation")
    assert goal is not None
    listed = world.reads.audits
    assert names(listed(Page(), {"goal": "SERVER_CONSOLIDATION"})) == ["audit 1", "audit 3"]
    assert names(listed(Page(), {"goal": str(goal.uuid)})) == ["audit 1", "audit 3"]
    assert names(listed(Page(), {"strategy": "dummy"})) == ["audit 2"]
    assert listed(Page(), {"strategy": "nobody"}) == []


def test_a_name_that_no_database_likes_is_still_shown_and_others_proceed(world: World) -> None:
    world.save(request(1, name="a\0b % :x '\"\\ \N{SNOWMAN}"), request(2))
    odd, plain = world.reads.audits(Page(), {})
    assert odd.name.endswith("b % :x '\"\\ \N{SNOWMAN}")
    assert plain.name == "audit 2"
    assert world.reads.quarantine() == []
    assert world.reads.audit("nobody\0here") is None
    assert world.reads.audits(Page(), {"goal": "no\0goal"}) == []


def test_a_number_that_is_no_id_names_nothing(world: World) -> None:
    world.save(request(1))
    assert world.reads.audit("0") is None
    assert world.reads.audit("9" * 5000) is None
