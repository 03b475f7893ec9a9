"""What only a cloud that can be broken on purpose shows: lost replies, outages, wrong landings."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.cloud import CloudUnreachable, Observation, Phase
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types.migrate import LANDED_ELSEWHERE
from infrastructure.openstack.actions.nova.migrate import Migrate
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits
from tests.conformance.actions.conftest import LIMITS
from tests.conformance.actions.driving import Acts, go, look, watched
from tests.conformance.actions.ground import host_of, requests_of, server_of, until
from tests.conformance.actions.simulated import SimulatedGround
from tests.world.plugins import handlers
from vigil.testing.handlers import only_reads

RECORDED_AS = {"live": "live-migration", "cold": "migrate"}
REPLY_LOST = {"kind": "endpoint", "service": "compute", "method": "POST", "path": "/action$"}


@pytest.fixture
def acts(simulated_ground: SimulatedGround) -> Acts:
    connection = simulated_ground.connection
    return watched(handlers(connection, LIMITS), connection)


@pytest.mark.parametrize("kind", ["live", "cold"])
def test_a_lost_reply_is_unknown_and_the_effect_is_found_by_looking(
    simulated_ground: SimulatedGround, acts: Acts, kind: str
) -> None:
    """Upstream repeats the request, gets a conflict and calls the running migration a failure."""
    case, migrate = simulated_ground.movable(), acts["migrate"]
    parameters = case.live() if kind == "live" else case.cold()
    before = go(migrate, parameters)
    with simulated_ground.fault(**REPLY_LOST, lost_reply=True), pytest.raises(CloudUnreachable):
        migrate.start(parameters, before)
    until(lambda: look(migrate, parameters, before).phase is Phase.DONE)
    assert host_of(simulated_ground.nova, case.server) == case.destination
    recorded = requests_of(simulated_ground.nova, case.server, RECORDED_AS[kind])
    known = before["actions"]
    assert isinstance(known, list)
    assert len(set(recorded) - set(known)) == 1


def test_a_request_that_did_not_arrive_never_started(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    case, migrate = simulated_ground.movable(), acts["migrate"]
    before = go(migrate, case.live())
    with simulated_ground.fault(**REPLY_LOST, status=503), pytest.raises(CloudUnreachable):
        migrate.start(case.live(), before)
    assert migrate.observe(case.live(), before, None).phase is Phase.NEVER_STARTED


def test_while_it_may_still_be_on_its_way_an_effect_counts_as_running(
    simulated_ground: SimulatedGround,
) -> None:
    """A request may wait in a proxy when its sender dies: it must not be sent again at once."""
    now = [1000.0]
    limits = ConnectionLimits(settle=10.0, read_retries=0)
    migrate = handlers(simulated_ground.connection, limits, lambda: now[0])["migrate"]
    case = simulated_ground.movable()
    before = go(migrate, case.live())
    now[0] += 9.9
    assert migrate.observe(case.live(), before, None).phase is Phase.RUNNING
    now[0] += 0.2
    assert migrate.observe(case.live(), before, None).phase is Phase.NEVER_STARTED


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_outage_while_looking_is_not_a_failure(
    simulated_ground: SimulatedGround, acts: Acts, status: int
) -> None:
    """Upstream's action fails at the first 5xx while Nova carries on with the migration."""
    case, migrate = simulated_ground.movable(), acts["migrate"]
    before = go(migrate, case.live())
    receipt = migrate.start(case.live(), before)
    rule = {"kind": "endpoint", "service": "compute", "method": "GET", "status": status}
    with simulated_ground.fault(**rule, times=None), pytest.raises(CloudUnreachable):
        migrate.observe(case.live(), before, receipt)
    until(lambda: migrate.observe(case.live(), before, receipt).phase is Phase.DONE)


def test_a_server_that_lands_elsewhere_is_a_failure_that_says_where(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    case, migrate = simulated_ground.movable(), acts["migrate"]
    third = ({"a1", "a2", "a3"} - {case.source, case.destination}).pop()
    before = go(migrate, case.live())
    rule = {"kind": "migration", "outcome": "elsewhere", "server": case.server, "host": third}
    with simulated_ground.fault(**rule):
        receipt = migrate.start(case.live(), before)
        until(lambda: migrate.observe(case.live(), before, receipt).phase is not Phase.RUNNING)
    end = migrate.observe(case.live(), before, receipt)
    assert end.because is not None
    assert (end.phase, end.because.reason) == (Phase.FAILED, LANDED_ELSEWHERE)
    assert end.because.facts["host"] == third
    assert host_of(simulated_ground.nova, case.server) == third


def test_a_migration_that_errs_before_it_runs_has_failed(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    case, migrate = simulated_ground.movable(), acts["migrate"]
    before = go(migrate, case.live())
    rule = {"kind": "migration", "outcome": "error", "server": case.server}
    with simulated_ground.fault(**rule):
        receipt = migrate.start(case.live(), before)
        until(lambda: migrate.observe(case.live(), before, receipt).phase is Phase.FAILED)
    assert host_of(simulated_ground.nova, case.server) == case.source


def test_a_cold_migration_is_confirmed_by_whoever_looks_and_only_once(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    """A worker that dies before it confirms must not leave the server in VERIFY_RESIZE."""
    case, migrate = simulated_ground.movable(), acts["migrate"]
    successor = handlers(simulated_ground.connection, LIMITS)["migrate"]
    before = go(migrate, case.cold())
    receipt = migrate.start(case.cold(), before)

    def ended() -> bool:
        one = look(migrate, case.cold(), before, receipt).phase
        return Phase.DONE in {one, look(successor, case.cold(), before).phase}

    until(ended)
    until(lambda: successor.observe(case.cold(), before, None).phase is Phase.DONE)
    assert host_of(simulated_ground.nova, case.server) == case.destination


def test_a_confirmation_whose_reply_was_lost_is_found_by_looking(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    case, migrate = simulated_ground.movable(), acts["migrate"]
    before = go(migrate, case.cold())
    receipt = migrate.start(case.cold(), before)
    until(lambda: migrate.observe(case.cold(), before, receipt).next_step is not None)
    with simulated_ground.fault(**REPLY_LOST, lost_reply=True), pytest.raises(CloudUnreachable):
        migrate.advance(case.cold(), before, receipt, "confirm")
    assert migrate.observe(case.cold(), before, receipt).next_step is None
    until(lambda: migrate.observe(case.cold(), before, receipt).phase is Phase.DONE)


@pytest.fixture
def slow_ground(tmp_path: Path) -> Iterator[SimulatedGround]:
    """A cloud on which the moment between a record and its server lasts for many observations."""
    ground = SimulatedGround(tmp_path, LIMITS, speed=4.0)
    yield ground
    ground.close()


@pytest.mark.parametrize(
    ("kind", "request_after"),
    [("cold", "os-stop"), ("resize", "os-stop"), ("live", "os-stop"), ("shelve", "unshelve")],
)
def test_an_action_is_done_only_once_nova_accepts_the_next_one(
    slow_ground: SimulatedGround, kind: str, request_after: str
) -> None:
    """A confirmed server was still in VERIFY_RESIZE, and the next action got a 409.

    A shelved server is in the wanted state before Nova has removed it from its host.
    """
    case, nova = slow_ground.movable(), slow_ground.nova
    act = handlers(slow_ground.connection, LIMITS)["migrate" if kind in ("cold", "live") else kind]
    parameters: JsonObject = {"resource_id": case.server}
    if kind == "resize":
        parameters["flavor"] = slow_ground.bigger_flavor()[1]
    elif kind != "shelve":
        parameters = case.live() if kind == "live" else case.cold()
    before = go(act, parameters)
    receipt = act.start(parameters, before)
    deadline = time.monotonic() + 60.0
    while (seen := look(act, parameters, before, receipt)).phase is Phase.RUNNING:
        assert time.monotonic() < deadline
    assert seen.phase is Phase.DONE, seen
    nova.send_once("POST", f"/servers/{case.server}/action", {request_after: None})


class Confirming(Migrate):
    """The defect that ``only_reads`` is for: observations take the next step."""

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        seen = super().observe(parameters, before, receipt)
        if seen.next_step is not None:
            self.advance(parameters, before, receipt, seen.next_step)
        return seen


def test_an_observation_that_confirms_would_be_noticed(simulated_ground: SimulatedGround) -> None:
    """The control of what ``watched`` checks for every observation of the suite."""
    case, connection = simulated_ground.movable(), simulated_ground.connection
    migrate = Confirming(Clouds(connection, LIMITS), LIMITS, time.time)
    before = go(migrate, case.cold())
    receipt = migrate.start(case.cold(), before)

    def confirmed() -> bool:
        with only_reads(connection.session.session):
            return migrate.observe(case.cold(), before, receipt).phase is Phase.DONE

    with pytest.raises(AssertionError, match=rf"POST .*/servers/{case.server}/action"):
        until(confirmed)
    until(lambda: migrate.observe(case.cold(), before, receipt).phase is Phase.DONE)


def test_the_resize_of_somebody_else_is_not_confirmed(
    simulated_ground: SimulatedGround, acts: Acts
) -> None:
    """Our request left no migration, and the owner has resized the server since."""
    case, migrate = simulated_ground.movable(), acts["migrate"]
    receipt = migrate.start(case.cold(), go(migrate, case.cold()))
    until(lambda: server_of(simulated_ground.nova, case.server)["status"] == "VERIFY_RESIZE")
    path = f"/servers/{case.server}/action"
    simulated_ground.nova.send_once("POST", path, {"confirmResize": None})
    until(lambda: server_of(simulated_ground.nova, case.server)["status"] == "ACTIVE")
    parameters = {**case.cold(), "source_node": case.destination, "destination_node": case.source}
    before = go(migrate, parameters)  # knows that migration: to the effect it is as good as gone
    simulated_ground.nova.send_once("POST", path, {"resize": {"flavorRef": "bigger"}})
    until(lambda: server_of(simulated_ground.nova, case.server)["status"] == "VERIFY_RESIZE")
    look(migrate, parameters, before, receipt)
    shown = server_of(simulated_ground.nova, case.server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("VERIFY_RESIZE", None)
    simulated_ground.nova.send_once("POST", path, {"revertResize": None})
    until(lambda: server_of(simulated_ground.nova, case.server)["status"] == "ACTIVE")
