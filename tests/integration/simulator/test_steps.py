"""The order in which a live migration's effects appear, on a clock that the test holds."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure.simulator.core.caller import RequestContext
from infrastructure.simulator.core.clock import Anchor, SimulatedClock
from infrastructure.simulator.core.cluster_file import load_cluster
from infrastructure.simulator.core.people import ADMIN, ADMIN_PROJECT
from infrastructure.simulator.core.store import StateStore
from infrastructure.simulator.core.world import Origin, World
from infrastructure.simulator.nova.commands import LiveMigration, NovaCommands
from infrastructure.simulator.nova.lifecycle import Lifecycle
from infrastructure.simulator.nova.migration_engine import MigrationEngine
from tests.integration.simulator.clients import IDS, small_cloud

CALLER = RequestContext(ADMIN.id, ADMIN_PROJECT.id, ("admin",), "req-1")
SERVER = IDS["free-1"]


@dataclass
class HeldClock(SimulatedClock):
    """Time that stands still until it is moved."""

    at: float = 1000.0

    def now(self) -> float:
        """The time it was set to."""
        return self.at


@dataclass
class Held:
    """A cloud whose clock the test holds."""

    clock: HeldClock
    world: World
    commands: NovaCommands


@pytest.fixture
def held(tmp_path: Path) -> Held:
    clock = HeldClock(anchor=Anchor(1000.0, 0.0))
    cluster = load_cluster(small_cloud(tmp_path), clock)
    origin = Origin(cluster=cluster, simulated=0.0, wall=1000.0, speed=1.0, secret=b"s")
    world = World(origin, clock, StateStore(None))
    world.settle()
    migrations = MigrationEngine(world, live_slots=1)
    Lifecycle(world, migrations)
    return Held(clock, world, NovaCommands(world, migrations, lambda _migration: None))


def test_the_server_arrives_before_its_migration_is_completed(held: Held) -> None:
    """As in Nova, where the destination reports first and the source cleans up after it."""
    wish = LiveMigration(host="a2", forced=False, synchronous=True)
    with held.world.transaction() as now:
        server = held.world.servers[SERVER]
        migration = held.commands.live_migrate(server, wish, CALLER, now)
    seen: list[tuple[str, str, str, bool]] = []
    for _ in range(120):
        held.clock.at += 0.05
        with held.world.transaction():
            holds_source = held.world.ledger.of(migration.uuid) is not None
            state = (migration.status, server.status, server.host, holds_source)
        if not seen or seen[-1] != state:
            seen.append(state)
    assert seen == [
        ("preparing", "MIGRATING", "a1", True),
        ("running", "MIGRATING", "a1", True),
        ("running", "ACTIVE", "a2", True),
        ("completed", "ACTIVE", "a2", False),
    ]


def test_a_long_silence_ends_in_the_same_state_as_many_looks(held: Held) -> None:
    wish = LiveMigration(host="a2", forced=False, synchronous=False)
    with held.world.transaction() as now:
        server = held.world.servers[SERVER]
        migration = held.commands.live_migrate(server, wish, CALLER, now)
    held.clock.at += 3600.0
    with held.world.transaction():
        assert (migration.status, server.host) == ("completed", "a2")
        # 0.2 s to schedule, 0.3 s to prepare, 2 s and 1 GiB/s to copy, 0.5 s to clean up
        assert migration.updated == pytest.approx(now + 0.2 + 0.3 + 4.0 + 0.5)
        assert server.updated == pytest.approx(now + 0.2 + 0.3 + 4.0)
