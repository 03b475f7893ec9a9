"""The hosts of a plan at any moment of it."""

import numpy as np
import pytest

from application.records.decision import decode_record
from application.replay.debugger.host_map import HostMap
from application.replay.debugger.session import Session
from application.replay.runs import proposed
from domain.cluster.compute.model import ComputeModel
from tests.integration.debugger.conftest import Recorded
from tests.world.executed import HOSTS, MOVES, SERVERS


@pytest.fixture
def hosts(session: Session) -> HostMap:
    session.end(1)
    found = session.hosts()
    assert found is not None
    return found


def test_each_executed_move_brings_a_server_to_another_host(
    hosts: HostMap, recorded: Recorded
) -> None:
    before = {one.name: one.servers for one in hosts.at(0, "memory_mb")}
    assert sum(before.values()) == SERVERS
    count, position = 0, hosts.neighbour(0, 1)
    while position is not None:
        bars = hosts.at(position, "memory_mb")
        now = {one.name: one.servers for one in bars}
        changed = {one.name for one in bars if one.changed}
        assert sorted(now[name] - before[name] for name in changed) == [-1, 1]
        assert {name for name in now if now[name] != before[name]} == changed
        assert sum(now.values()) == SERVERS
        before = now
        count += 1
        assert hosts.progress(position) == (count, MOVES - 2)  # one failed, one is running
        position = hosts.neighbour(position, 1)
    assert count == MOVES - 2


def test_going_back_shows_what_was_there_before(hosts: HostMap, recorded: Recorded) -> None:
    end = recorded.log.end()
    seen = {position: hosts.at(position, "vcpus") for position in range(end + 1)}
    for position in (*range(end, -1, -1), 5, end, 0):
        assert hosts.at(position, "vcpus") == seen[position]


def test_the_parts_are_those_of_the_recorded_model(hosts: HostMap, recorded: Recorded) -> None:
    plan = proposed(recorded.log, recorded.plan)
    assert plan is not None
    model = ComputeModel.from_columns(decode_record(recorded.records.get(plan.record)).model)
    row = model.resources.index("vcpus")
    expected = dict(zip(model.hosts.name, model.allocated[row] / model.capacity[row], strict=True))
    bars = hosts.at(0, "vcpus")
    assert len(bars) == HOSTS
    assert {one.zone for one in bars} == {"zone-1", "zone-2"}
    for one in bars:
        assert np.isclose(one.before, expected[one.name])
        assert one.before == one.now


def test_an_event_without_a_plan_or_record_has_no_hosts(
    session: Session, recorded: Recorded
) -> None:
    session.end(-1)
    assert session.hosts() is None  # the request of the audit
    session.step(1)
    assert session.hosts() is not None  # its run has a plan
