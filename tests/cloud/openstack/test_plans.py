"""Plans that the applier executes on a real cloud, also if it dies between request and response."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from application.applier.follow_ups import FollowUps
from application.ports.cloud import ActionHandler
from application.ports.event_log import EventLog
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionState, PlanState
from domain.plans.events import ActionFollowedUp
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import ABORTED_BY_CANCEL
from infrastructure.event_log import open_event_log, upgrade
from infrastructure.openstack.actions.nova.migrate import Migrate
from infrastructure.openstack.clouds import Clouds
from tests.conformance.actions.conftest import LIMITS, real_ground
from tests.conformance.actions.ground import (
    Case,
    host_of,
    requests_of,
    server_of,
    service_of,
    until,
)
from tests.conformance.actions.real import RealGround
from tests.unit.applier.bench import CLOCK, LOST, METADATA, POLICY, Bench
from tests.unit.applier.reference_cloud import ReferenceCloud
from tests.world.plugins import handlers

__all__ = ["real_ground"]

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]
PATIENT = replace(POLICY, poll_interval=0.5, settle_time=2.0, stall_limit=180.0, follow_up=120.0)
ABORTING = replace(PATIENT, abort_on_cancel=True)


@pytest.fixture
def event_log(sqlite_url: str) -> Iterator[EventLog]:
    """On SQLite only: nothing here depends on the database."""
    upgrade(sqlite_url)
    log = open_event_log(sqlite_url)
    yield log
    log.close()


class Dying:
    """A handler whose applier dies once, just after the cloud accepted a request."""

    def __init__(self, handler: ActionHandler, method: str) -> None:
        self._handler = handler
        self._method = method
        self.is_dead = threading.Event()

    def __getattr__(self, name: str) -> object:
        found = getattr(self._handler, name)
        return self._deadly(found) if name == self._method else found

    def _deadly(self, call: Callable[..., object]) -> Callable[..., object]:
        def calling(*args: object) -> object:
            response = call(*args)
            if self.is_dead.is_set():
                return response
            self.is_dead.set()
            raise KeyboardInterrupt

        return calling


def planned(kind: str, parameters: JsonObject) -> PlannedAction:
    given = {name: value for name, value in parameters.items() if name != "resource_id"}
    resource = str(parameters["resource_id"])
    return PlannedAction(ProposedAction(kind, resource, given, Cause(FREES_HOST)), ())


def bench(
    log: EventLog, ground: RealGround, *actions: PlannedAction, dies_in: str | None = None
) -> Bench:
    """A plan; its applier dies once in a method of the handler of its first action."""
    acts: dict[str, ActionHandler] = dict(handlers(ground.connection, LIMITS))
    if dies_in is not None:
        kind = actions[0].action.type
        acts[kind] = Dying(acts[kind], dies_in)  # type: ignore[assignment]
    return Bench(log, ReferenceCloud(), *actions, handlers=acts)


def ended(made: Bench, *, dies: bool) -> ActionState:
    """Executes the plan; after a death another applier takes it over."""
    if dies:
        with pytest.raises(KeyboardInterrupt):
            made.drive(policy=PATIENT)
    made.drive(policy=PATIENT, takeover=LOST if dies else None)
    (state,) = made.states()
    return state


DEATHS = pytest.mark.parametrize("dies_in", [None, "start"])


@DEATHS
@pytest.mark.parametrize("kind", ["live", "cold"])
@pytest.mark.parametrize("named", [True, False])
def test_a_server_is_migrated_once(
    event_log: EventLog, real_ground: RealGround, kind: str, named: bool, dies_in: str | None
) -> None:
    case = real_ground.movable()
    given = case.live() if kind == "live" else case.cold()
    if not named:
        given["destination_node"] = None
    recorded = "live-migration" if kind == "live" else "migrate"
    before = len(requests_of(real_ground.nova, case.server, recorded))
    made = bench(event_log, real_ground, planned("migrate", given), dies_in=dies_in)
    assert ended(made, dies=dies_in is not None) is ActionState.SUCCEEDED
    assert host_of(real_ground.nova, case.server) != case.source
    if named:
        assert host_of(real_ground.nova, case.server) == case.destination
    assert len(requests_of(real_ground.nova, case.server, recorded)) == before + 1
    assert server_of(real_ground.nova, case.server)["status"] == "ACTIVE"


def test_a_cold_migration_is_confirmed_once_although_its_applier_dies_of_it(
    event_log: EventLog, real_ground: RealGround
) -> None:
    case = real_ground.movable()
    before = len(requests_of(real_ground.nova, case.server, "confirmResize"))
    made = bench(event_log, real_ground, planned("migrate", case.cold()), dies_in="advance")
    assert ended(made, dies=True) is ActionState.SUCCEEDED
    assert len(requests_of(real_ground.nova, case.server, "confirmResize")) == before + 1


class Hurried(Migrate):
    """It is late at once."""

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        return 0.1


def test_a_cold_migration_that_outlasts_its_plan_is_confirmed_when_nova_has_ended_it(
    event_log: EventLog, real_ground: RealGround
) -> None:
    case = real_ground.movable()
    before = len(requests_of(real_ground.nova, case.server, "confirmResize"))
    hurried = Hurried(Clouds(real_ground.connection, LIMITS), LIMITS, time.time)
    acts: dict[str, ActionHandler] = {"migrate": hurried}
    made = Bench(event_log, ReferenceCloud(), planned("migrate", case.cold()), handlers=acts)
    plan = made.drive(policy=replace(PATIENT, follow_up=0.0))
    assert [str(one.because) for one in plan.still_running()], made.topics()
    follow = FollowUps(
        event_log, CLOCK, acts, fresh=lambda: True, settle_time=2.0, metadata=METADATA
    )

    def ended() -> bool:
        follow.look()
        return ActionFollowedUp.TOPIC in made.topics()

    until(ended)
    assert host_of(real_ground.nova, case.server) == case.destination
    assert server_of(real_ground.nova, case.server)["status"] == "ACTIVE"
    assert len(requests_of(real_ground.nova, case.server, "confirmResize")) == before + 1


def test_what_the_scheduler_refuses_fails_with_its_words(
    event_log: EventLog, real_ground: RealGround
) -> None:
    case = real_ground.kept_apart()
    made = bench(event_log, real_ground, planned("migrate", case.live()))
    assert ended(made, dies=False) is ActionState.FAILED
    (one,) = made.plan().actions.values()
    assert "refused to migrate" in str(one.because)
    assert host_of(real_ground.nova, case.server) == case.source


@pytest.mark.parametrize("dies_in", [None, "abort"])
def test_a_cancellation_aborts_a_live_migration(
    event_log: EventLog, real_ground: RealGround, dies_in: str | None
) -> None:
    case = real_ground.movable()
    with real_ground.slow(case.server):
        made = bench(event_log, real_ground, planned("migrate", case.live()), dies_in=dies_in)
        cancel = threading.Timer(3.0, made.cancel)
        cancel.start()
        if dies_in is not None:
            with pytest.raises(KeyboardInterrupt):
                made.drive(policy=ABORTING)
        plan = made.drive(policy=ABORTING, takeover=None if dies_in is None else LOST)
        cancel.join()
    assert (plan.state, made.states()) == (PlanState.CANCELLED, [ActionState.CANCELLED])
    (one,) = plan.actions.values()
    assert one.because is not None
    assert one.because.reason == ABORTED_BY_CANCEL
    assert host_of(real_ground.nova, case.server) == case.source
    assert server_of(real_ground.nova, case.server)["status"] == "ACTIVE"


@DEATHS
def test_a_host_is_disabled_once(
    event_log: EventLog, real_ground: RealGround, dies_in: str | None
) -> None:
    host = real_ground.spare_host()
    given: JsonObject = {"resource_id": host, "resource_name": host, "state": "disabled"}
    kind = "change_nova_service_state"
    made = bench(event_log, real_ground, planned(kind, given), dies_in=dies_in)
    try:
        assert ended(made, dies=dies_in is not None) is ActionState.SUCCEEDED
        assert service_of(real_ground.nova, host)["status"] == "disabled"
    finally:
        service = service_of(real_ground.nova, host)["id"]
        real_ground.nova.send_once("PUT", f"/os-services/{service}", {"status": "enabled"})


@DEATHS
def test_a_server_is_resized_stopped_shelved_and_deleted(
    event_log: EventLog, real_ground: RealGround, dies_in: str | None
) -> None:
    server = real_ground.disposable()
    given: JsonObject = {"resource_id": server}
    flavor = real_ground.bigger_flavor()[0]
    steps = {"resize": {**given, "flavor": flavor}, "stop": given, "shelve": given, "delete": given}
    for number, (kind, parameters) in enumerate(steps.items()):
        acts: dict[str, ActionHandler] = dict(handlers(real_ground.connection, LIMITS))
        if dies_in is not None:
            acts[kind] = Dying(acts[kind], dies_in)  # type: ignore[assignment]
        action = planned(kind, parameters)
        made = Bench(event_log, ReferenceCloud(), action, handlers=acts, number=10 + number)
        assert ended(made, dies=dies_in is not None) is ActionState.SUCCEEDED, kind


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dies_in", [None, "start"])
def test_eight_live_migrations_at_once_are_each_made_once(
    event_log: EventLog, real_ground: RealGround, dies_in: str | None
) -> None:
    cases: list[Case] = real_ground.several(8)
    before = {case.server: _migrations(real_ground, case) for case in cases}
    actions = [planned("migrate", case.live()) for case in cases]
    made = bench(event_log, real_ground, *actions, dies_in=dies_in)
    policy = replace(PATIENT, max_parallel=8)
    if dies_in is not None:
        with pytest.raises(KeyboardInterrupt):
            made.drive(policy=policy, parallelism=Parallelism())
    made.drive(policy=policy, takeover=None if dies_in is None else LOST)
    assert made.states() == [ActionState.SUCCEEDED] * 8
    for case in cases:
        assert host_of(real_ground.nova, case.server) == case.destination
        assert _migrations(real_ground, case) == before[case.server] + 1


def _migrations(ground: RealGround, case: Case) -> int:
    return len(requests_of(ground.nova, case.server, "live-migration"))
