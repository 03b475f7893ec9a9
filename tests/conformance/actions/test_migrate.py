import pytest

from application.ports.cloud import CloudRefused, Fail, Go, Phase, Skip
from domain.cluster.placement.movability import SERVER_LOCKED, SERVER_STATE_UNSUITABLE
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types.migrate import (
    ALREADY_AT_DESTINATION,
    DESTINATION_DISABLED,
    DESTINATION_NOT_FOUND,
    SERVER_NOT_ON_SOURCE,
)
from domain.plans.reasons import (
    MIGRATION_ABORTED,
    MIGRATION_FAILED,
    MIGRATION_REFUSED,
    SERVER_NOT_FOUND,
)
from tests.conformance.actions.driving import Acts, end, go
from tests.conformance.actions.ground import Case, Ground, host_of, requests_of, server_of, until

NOWHERE = "00000000-0000-4000-8000-000000000000"
KINDS = ("live", "cold")
RECORDED_AS = {"live": "live-migration", "cold": "migrate"}


def _parameters(case: Case, kind: str) -> JsonObject:
    return case.live() if kind == "live" else case.cold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_is_migrated_to_the_destination(ground: Ground, acts: Acts, kind: str) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    parameters = _parameters(case, kind)
    before = go(migrate, parameters)
    receipt = migrate.start(parameters, before)
    assert receipt["request_id"]
    seen = end(migrate, parameters, before, receipt)
    assert (seen.phase, seen.facts["host"]) == (Phase.DONE, case.destination)
    assert host_of(ground.nova, case.server) == case.destination
    assert server_of(ground.nova, case.server)["status"] == "ACTIVE"


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_whose_receipt_was_lost_is_found_and_had_once(
    ground: Ground, acts: Acts, kind: str
) -> None:
    """The worker dies between the request and its note: its successor has only the intent."""
    case, migrate = ground.movable(), acts["migrate"]
    parameters = _parameters(case, kind)
    before = go(migrate, parameters)
    migrate.start(parameters, before)
    first = migrate.observe(parameters, before, None)
    assert first.phase in {Phase.RUNNING, Phase.DONE}
    assert end(migrate, parameters, before, None).phase is Phase.DONE
    recorded = requests_of(ground.nova, case.server, RECORDED_AS[kind])
    known = before["actions"]
    assert isinstance(known, list)
    assert len(set(recorded) - set(known)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_that_was_only_intended_never_started(
    ground: Ground, acts: Acts, kind: str
) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    parameters = _parameters(case, kind)
    before = go(migrate, parameters)
    assert migrate.observe(parameters, before, None).phase is Phase.NEVER_STARTED


def test_earlier_migrations_are_not_taken_for_the_effect(ground: Ground, acts: Acts) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    before = go(migrate, case.live())
    migrate.start(case.live(), before)
    end(migrate, case.live(), before, None)
    back = ground.movable()
    before = go(migrate, back.live())
    assert migrate.observe(back.live(), before, None).phase is Phase.NEVER_STARTED


def test_starting_again_while_it_runs_adopts_the_first_request(ground: Ground, acts: Acts) -> None:
    """Two workers, one of them stalled past its claim: Nova takes one request, both end well."""
    case, migrate = ground.movable(), acts["migrate"]
    with ground.slow(case.server):
        before = go(migrate, case.live())
        first = migrate.start(case.live(), before)
        again = migrate.start(case.live(), before)
        assert again["request_id"] == first["request_id"]
        migrate.abort(case.live(), before, first)
        end(migrate, case.live(), before, first)


@pytest.mark.parametrize("find", ["kept_apart", "pinned", "too_large"])
def test_a_live_migration_that_nova_forbids_is_refused_at_once(
    ground: Ground, acts: Acts, find: str
) -> None:
    case: Case = getattr(ground, find)()
    migrate = acts["migrate"]
    before = go(migrate, case.live())
    with pytest.raises(CloudRefused) as refused:
        migrate.start(case.live(), before)
    assert refused.value.because.reason == MIGRATION_REFUSED
    assert refused.value.because.facts["server"] == case.server
    assert "no reason given" not in str(refused.value)
    assert host_of(ground.nova, case.server) == case.source


@pytest.mark.parametrize("find", ["kept_apart", "pinned", "too_large"])
def test_a_cold_migration_that_nova_forbids_fails_with_novas_words(
    ground: Ground, acts: Acts, find: str
) -> None:
    case: Case = getattr(ground, find)()
    migrate = acts["migrate"]
    before = go(migrate, case.cold())
    receipt = migrate.start(case.cold(), before)
    seen = end(migrate, case.cold(), before, receipt)
    assert seen.phase is Phase.FAILED
    assert seen.because is not None
    assert seen.because.reason == MIGRATION_REFUSED
    assert "no reason given" not in str(seen.because)
    assert host_of(ground.nova, case.server) == case.source


def test_a_refusal_is_recognised_without_its_answer_too(ground: Ground, acts: Acts) -> None:
    case, migrate = ground.kept_apart(), acts["migrate"]
    before = go(migrate, case.live())
    with pytest.raises(CloudRefused):
        migrate.start(case.live(), before)
    seen = end(migrate, case.live(), before, None)
    assert seen.phase is Phase.FAILED
    assert seen.because is not None
    assert seen.because.reason == MIGRATION_REFUSED


@pytest.mark.parametrize("with_receipt", [True, False])
def test_a_live_migration_that_breaks_has_failed_and_the_server_stays(
    ground: Ground, acts: Acts, with_receipt: bool
) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    with ground.failing(case.server):
        before = go(migrate, case.live())
        receipt = migrate.start(case.live(), before)
        seen = end(migrate, case.live(), before, receipt if with_receipt else None)
    assert seen.phase is Phase.FAILED
    assert seen.because is not None
    assert seen.because.reason == MIGRATION_FAILED
    assert host_of(ground.nova, case.server) == case.source


def test_a_running_live_migration_shows_its_progress_and_can_be_aborted(
    ground: Ground, acts: Acts
) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    with ground.slow(case.server):
        before = go(migrate, case.live())
        receipt = migrate.start(case.live(), before)
        shown: list[JsonObject] = []

        def progressing() -> bool:
            shown.append(migrate.observe(case.live(), before, receipt).facts)
            return "percent" in shown[-1]

        until(progressing)
        percent = shown[-1]["percent"]
        assert isinstance(percent, float)
        assert 0 <= percent <= 99
        migrate.abort(case.live(), before, receipt)
        seen = end(migrate, case.live(), before, receipt)
    assert seen.phase is Phase.FAILED
    assert seen.because is not None
    assert seen.because.reason == MIGRATION_ABORTED
    assert host_of(ground.nova, case.server) == case.source


def test_aborting_what_does_not_run_does_nothing(ground: Ground, acts: Acts) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    for parameters in (case.live(), case.cold()):
        migrate.abort(parameters, go(migrate, parameters), None)
    assert host_of(ground.nova, case.server) == case.source


def test_the_live_migration_of_somebody_else_is_not_aborted(ground: Ground, acts: Acts) -> None:
    """It ran before the action was checked, with our credentials."""
    case, migrate = ground.movable(), acts["migrate"]
    with ground.slow(case.server):
        before = go(migrate, case.live())
        receipt = migrate.start(case.live(), before)
        until(lambda: "migration" in migrate.observe(case.live(), before, receipt).facts)
        theirs = migrate.observe(case.live(), before, receipt).facts["migration"]
        migrate.abort(case.live(), {**before, "migrations": [theirs]}, receipt)
        assert migrate.observe(case.live(), before, receipt).phase is Phase.RUNNING
        migrate.abort(case.live(), before, receipt)
        assert end(migrate, case.live(), before, receipt).aborted


def test_a_cold_migration_waits_for_its_confirmation_which_is_given_once(
    ground: Ground, acts: Acts
) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    before = go(migrate, case.cold())
    receipt = migrate.start(case.cold(), before)
    until(lambda: migrate.observe(case.cold(), before, receipt).next_step is not None)
    for _ in range(3):  # any number of observations change nothing
        seen = migrate.observe(case.cold(), before, None)
        assert (seen.phase, seen.next_step) == (Phase.RUNNING, "confirm")
    assert server_of(ground.nova, case.server)["status"] == "VERIFY_RESIZE"
    assert migrate.advance(case.cold(), before, receipt, "confirm")["request_id"]
    with pytest.raises(CloudRefused):
        migrate.advance(case.cold(), before, None, "confirm")
    until(lambda: migrate.observe(case.cold(), before, None).phase is Phase.DONE)
    recorded = requests_of(ground.nova, case.server, "confirmResize")
    known = before["actions"]
    assert isinstance(known, list)
    assert len(set(recorded) - set(known)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_does_not_exist_is_skipped(ground: Ground, acts: Acts, kind: str) -> None:
    parameters = _parameters(Case(NOWHERE, "a", "b"), kind)
    verdict = acts["migrate"].check(parameters)
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVER_NOT_FOUND


def test_a_server_that_is_not_where_it_was_is_skipped(ground: Ground, acts: Acts) -> None:
    case = ground.movable()
    third = "some-other-host"
    verdict = acts["migrate"].check({**case.live(), "source_node": third})
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == SERVER_NOT_ON_SOURCE
    assert verdict.because.facts["host"] == case.source


def test_a_server_that_is_there_already_is_skipped(ground: Ground, acts: Acts) -> None:
    case = ground.movable()
    verdict = acts["migrate"].check({**case.live(), "destination_node": case.source})
    assert isinstance(verdict, Skip)
    assert verdict.because.reason == ALREADY_AT_DESTINATION


def test_a_destination_must_exist_by_its_whole_name(ground: Ground, acts: Acts) -> None:
    case = ground.movable()
    verdict = acts["migrate"].check({**case.live(), "destination_node": case.destination[:-1]})
    assert isinstance(verdict, Fail)
    assert verdict.because.reason == DESTINATION_NOT_FOUND


def test_a_disabled_destination_fails(ground: Ground, acts: Acts) -> None:
    case, host = ground.movable(), ground.spare_host()
    host = case.destination if host == case.source else host
    parameters: JsonObject = {"resource_id": host, "resource_name": host, "state": "disabled"}
    switch = acts["change_nova_service_state"]
    verdict = switch.check(parameters)
    assert isinstance(verdict, Go)
    switch.start(parameters, verdict.before)
    try:
        failed = acts["migrate"].check({**case.live(), "destination_node": host})
    finally:
        back: JsonObject = {**parameters, "state": "enabled"}
        verdict = switch.check(back)
        assert isinstance(verdict, Go)
        switch.start(back, verdict.before)
    assert isinstance(failed, Fail)
    assert failed.because.reason == DESTINATION_DISABLED


def test_a_stopped_server_is_migrated_cold_but_not_live(ground: Ground, acts: Acts) -> None:
    case, migrate = ground.another(), acts["migrate"]
    ground.nova.send_once("POST", f"/servers/{case.server}/action", {"os-stop": None})
    until(lambda: server_of(ground.nova, case.server)["status"] == "SHUTOFF")
    try:
        failed = migrate.check(case.live())
        assert isinstance(failed, Fail)
        assert failed.because.reason == SERVER_STATE_UNSUITABLE
        before = go(migrate, case.cold())
        receipt = migrate.start(case.cold(), before)
        assert end(migrate, case.cold(), before, receipt).phase is Phase.DONE
        assert server_of(ground.nova, case.server)["status"] == "SHUTOFF"
    finally:
        ground.nova.send_once("POST", f"/servers/{case.server}/action", {"os-start": None})
        until(lambda: server_of(ground.nova, case.server)["status"] == "ACTIVE")


def test_a_locked_server_is_left_alone(ground: Ground, acts: Acts) -> None:
    """Nova lets an administrator migrate it all the same; its owner asked for the contrary."""
    case = ground.another()
    ground.nova.send_once("POST", f"/servers/{case.server}/action", {"lock": None})
    try:
        verdict = acts["migrate"].check(case.live())
    finally:
        ground.nova.send_once("POST", f"/servers/{case.server}/action", {"unlock": None})
    assert isinstance(verdict, Fail)
    assert verdict.because.reason == SERVER_LOCKED


def test_the_deadline_grows_with_what_is_copied(ground: Ground, acts: Acts) -> None:
    case, migrate = ground.movable(), acts["migrate"]
    before = go(migrate, case.live())
    large = {**before, "ram_mb": 1024 * 1024}
    assert migrate.deadline(case.live(), before) == 900.0
    assert migrate.deadline(case.live(), large) == pytest.approx(1024 * 1024 / 32)
    assert migrate.deadline(case.cold(), large) == 900.0


def test_bad_parameters_fail_with_field_and_rule(ground: Ground, acts: Acts) -> None:
    case = ground.movable()
    verdict = acts["migrate"].check({**case.live(), "migration_type": "warm"})
    assert isinstance(verdict, Fail)
    assert "migration_type: must be one of live, cold" in str(verdict.because)
