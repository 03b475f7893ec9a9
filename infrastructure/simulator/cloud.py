"""The simulated cloud: its state, fault rules and the services that change it."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from infrastructure.simulator.baremetal.nodes import Baremetal
from infrastructure.simulator.cinder.operations import VolumeOperations
from infrastructure.simulator.cinder.storage import Storage
from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.cluster_file import load_cluster
from infrastructure.simulator.core.config import SimulatorConfig
from infrastructure.simulator.core.faults import Fault, Faults
from infrastructure.simulator.core.generate import generate
from infrastructure.simulator.core.model import Cluster
from infrastructure.simulator.core.people import User, Users
from infrastructure.simulator.core.store import StateStore
from infrastructure.simulator.core.tokens import Tokens
from infrastructure.simulator.core.world import World, open_world
from infrastructure.simulator.nova.commands import NovaCommands
from infrastructure.simulator.nova.lifecycle import Lifecycle
from infrastructure.simulator.nova.migration_engine import MigrationEngine

T = TypeVar("T")
_FAULTS, _REVOKED, _ENDPOINTS, _USERS = "faults", "revoked-tokens", "endpoints", "users"


@dataclass(frozen=True)
class Cloud:
    """The parts of a simulated cloud.

    Attributes:
        endpoints: catalogue entries of services that the simulator does not serve: type to URL.
    """

    world: World
    commands: NovaCommands
    faults: Faults
    users: Users
    tokens: Tokens
    endpoints: dict[str, str]
    storage: Storage
    volume_operations: VolumeOperations
    baremetal: Baremetal

    def register(self, service_type: str, url: str) -> None:
        """Put another service into the catalogue. Call it inside a transaction."""
        self.endpoints[service_type] = url
        _save(self.world.store, _ENDPOINTS, self.endpoints)


def open_cloud(config: SimulatorConfig) -> Cloud:
    """Resume or make the cloud that a configuration describes.

    Raises:
        ValueError: when the cluster file or a fault rule is not valid, or the hosts are too small.
    """

    def make(clock: SimulatedClock) -> Cluster:
        if config.cluster_file is not None:
            return load_cluster(config.cluster_file, clock)
        return generate(
            config.hosts, config.servers, config.seed, clock, down_hosts=config.down_hosts
        )

    world = open_world(config.state_file, config.speed, make)
    store = world.store
    faults = Faults(world.seed, lambda rules: _save(store, _FAULTS, rules))
    resumed = _load(store, _FAULTS, list[Fault])
    if resumed is None:
        for body in config.faults:
            faults.add(body)
    else:
        faults.load(resumed)
    users = Users(
        _load(store, _USERS, dict[str, User]) or {},
        lambda changed: _save(store, _USERS, changed),
    )
    tokens = Tokens(
        world.secret,
        world.clock,
        config.token_lifetime,
        users,
        lambda revoked: _save(store, _REVOKED, revoked),
    )
    tokens.revoked = _load(store, _REVOKED, set[str]) or set()
    endpoints = (_load(store, _ENDPOINTS, dict[str, str]) or {}) | dict(config.endpoints)
    storage = Storage(world)
    migrations = MigrationEngine(world, config.live_slots)
    Lifecycle(world, migrations)
    return Cloud(
        world,
        NovaCommands(world, migrations, faults.doom),
        faults,
        users,
        tokens,
        endpoints,
        storage,
        VolumeOperations(world, storage, faults),
        Baremetal(world, faults),
    )


def _save(store: StateStore, kind: str, value: object) -> None:
    store.save([(kind, kind, msgspec.json.encode(value))])


def _load(store: StateStore, kind: str, of: type[T]) -> T | None:
    for body in store.read(kind):
        return msgspec.json.decode(body, type=of)
    return None
