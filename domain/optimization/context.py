"""What a strategy or a planner gets: values only, all of them in the decision record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

import numpy as np

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import FloatArray, IntArray
from domain.kernel.options import NO_OPTIONS, O, options_as
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import MetricTable
from domain.optimization.scoring import ScoringEngine
from domain.optimization.solution import Rejection, Subject

P = TypeVar("P")

MAX_CONSIDERED = 25
"""Alternatives that are recorded with a plan; the others are only counted."""
MAX_STEPS = 10_000_000
"""Default of the step budget: more than any strategy of the product takes for 50,000 servers."""


@dataclass(frozen=True)
class ObservedMove:
    """A move of a server, from Vigil's own log.

    Attributes:
        server: id of the server.
        source, destination: service host names; empty if unknown.
        seconds_ago: when it began, seconds before the model's time.
        finished: whether it has ended; otherwise it is in flight.
    """

    server: str
    source: str
    destination: str
    seconds_ago: float
    finished: bool


@dataclass(frozen=True)
class MigrationCost:
    """An estimate of what a migration costs, from the server's size.

    Attributes:
        megabytes_per_second: network throughput of one migration.
        fixed_seconds: of each migration, for its preparation and its end.
    """

    megabytes_per_second: float = 500.0
    fixed_seconds: float = 5.0

    def seconds(self, model: ComputeModel) -> FloatArray:
        """float64[servers]: the estimated duration of a live migration."""
        sizes: FloatArray = model.servers.memory_mb / self.megabytes_per_second
        return sizes + self.fixed_seconds


class StepBudget:
    """A limit on the work of a search, counted in steps: the same on every machine.

    A search spends a step per candidate that it evaluates and returns its best result when the
    budget is spent. Seconds would make the result depend on the machine.
    """

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit = limit
        self.spent = 0

    @property
    def left(self) -> int:
        """The steps that are left."""
        return max(0, self.limit - self.spent)

    def spend(self, steps: int = 1) -> bool:
        """Spends steps; returns False if the budget was spent before."""
        if self.spent >= self.limit:
            return False
        self.spent += steps
        return True


class Considered:
    """The alternatives that a strategy considered and rejected: the first ones, and their number.

    Attributes:
        kept: the first ``limit`` rejections, most important first.
        total: number of all.
    """

    def __init__(self, limit: int = MAX_CONSIDERED) -> None:
        self._limit = limit
        self.kept: list[Rejection] = []
        self.total = 0

    @property
    def is_full(self) -> bool:
        """Whether further rejections are only counted: their facts need not be computed."""
        return len(self.kept) >= self._limit

    def add(self, subject: Subject, because: Cause | None) -> None:
        """Counts a rejection, and keeps it if there is room and its cause was computed."""
        self.total += 1
        if because is not None and not self.is_full:
            self.kept.append(Rejection(subject, because))


@dataclass(frozen=True, eq=False, kw_only=True)
class StrategyContext(Generic[P]):
    """All inputs of a strategy. Equal contexts give equal solutions.

    Attributes:
        parameters: of the audit, typed, with defaults.
        options: of the strategy, from the configuration; an instance of ``Strategy.options``.
        compute: the compute model within the audit's scope.
        storage, baremetal: the other models; None unless the requirements list them.
        metrics: the required columns, addressed by need.
        seed: for searches that draw random numbers.
        at: the time of the compute model (UTC); there is no other clock.
        placement: the operator's rules, limits and policies in force.
        moves: Vigil's own moves: those in flight, and recent ones as far back as required.
        start: steps (``Branch.to_log``) that are taken as done, for the later stages of a pipeline.
        cost: what migrations cost.
        engines: the required scoring engines, by name.
        failed_moves: if required, ids of servers whose latest migration by an earlier plan of the
            audit failed.
        budget: of steps, for searches.
        alternatives: what ``considered`` collects.
    """

    parameters: P
    compute: ComputeModel
    options: object = NO_OPTIONS
    storage: StorageModel | None = None
    baremetal: BaremetalModel | None = None
    metrics: MetricTable = field(default_factory=MetricTable)
    seed: int = 0
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    placement: PlacementPolicy = field(default_factory=PlacementPolicy)
    moves: Sequence[ObservedMove] = ()
    start: Sequence[LoggedStep] = ()
    cost: MigrationCost = field(default_factory=MigrationCost)
    engines: Mapping[str, ScoringEngine] = field(default_factory=dict)
    failed_moves: Sequence[str] = ()
    budget: StepBudget = field(default_factory=StepBudget)
    alternatives: Considered = field(default_factory=Considered)

    def options_as(self, kind: type[O]) -> O:
        """The strategy's options, as the class that it declares.

        Raises:
            TypeError: they are of another class.
        """
        return options_as(self.options, kind)

    def branch(self, load: MeasuredLoad | None = None) -> Branch:
        """A new branch of the compute model, with the starting steps applied.

        Args:
            load: measured use; without it only allocations count.
        """
        branch = Branch(self.compute, load, self.storage)
        branch.replay(self.start)
        return branch

    def constraints(self) -> Constraints:
        """The placement rules: those of the cloud and the operator's."""
        return self.placement.constraints(self.compute)

    def in_flight(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """bool[servers]: has a move in flight."""
        moving = {move.server for move in self.moves if not move.finished}
        ids = self.compute.servers.id
        return np.array([identity in moving for identity in ids], dtype=np.bool_)

    def awaited(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """bool[hosts]: the destination of a move in flight."""
        coming = {move.destination for move in self.moves if not move.finished}
        names = self.compute.hosts.name
        return np.array([name in coming for name in names], dtype=np.bool_)

    def arriving(self, host: int) -> IntArray:
        """Indices of the servers of other hosts that are in flight to a host."""
        name = self.compute.hosts.name[host]
        coming = {one.server for one in self.moves if not one.finished and one.destination == name}
        servers = self.compute.servers
        here = np.array([identity in coming for identity in servers.id], dtype=np.bool_)
        found: IntArray = np.flatnonzero(here & (servers.host != host))
        return found

    def seconds_since_move(self) -> FloatArray:
        """float64[servers]: seconds since the last recent move began; inf without one."""
        latest: dict[str, float] = {}
        for move in self.moves:
            latest[move.server] = min(move.seconds_ago, latest.get(move.server, np.inf))
        ids = self.compute.servers.id
        return np.array([latest.get(identity, np.inf) for identity in ids], dtype=np.float64)

    def considered(self, subject: Subject, reason: Reason, **facts: object) -> None:
        """Records that an alternative was considered and rejected.

        Only the first ones are kept, so call it for the most important ones first; all are
        counted.

        Args:
            subject: see ``host`` and ``server``.
            reason: declared by the strategy.
            facts: of the reason's sentence, and further ones (JSON values).
        """
        full = self.alternatives.is_full
        self.alternatives.add(subject, None if full else Cause(reason, facts))

    def host(self, place: int) -> Subject:
        """A host of the compute model, by index."""
        hosts = self.compute.hosts
        return Subject("host", hosts.id[place], hosts.name[place])

    def server(self, place: int) -> Subject:
        """A server of the compute model, by index."""
        servers = self.compute.servers
        return Subject("server", servers.id[place], servers.name[place])

    def volume(self, place: int) -> Subject:
        """A volume of the storage model, by index.

        Raises:
            TypeError: there is no storage model.
        """
        volumes = self._stored().volumes
        return Subject("volume", volumes.id[place], volumes.name[place])

    def pool(self, place: int) -> Subject:
        """A pool of the storage model, by index.

        Raises:
            TypeError: there is no storage model.
        """
        return Subject("pool", self._stored().pools.name[place])

    def _stored(self) -> StorageModel:
        if self.storage is None:
            raise TypeError("the strategy does not require the storage model")
        return self.storage


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanContext(Generic[O]):
    """What a planner sees besides the solution.

    Attributes:
        options: of the planner, typed, effective values.
        compute, storage, baremetal: the models that the strategy saw.
        placement: the operator's rules, limits and policies in force.
        start: steps that are taken as done, as in the context of the strategy.
        cost: what migrations cost.
    """

    options: O
    compute: ComputeModel
    storage: StorageModel | None = None
    baremetal: BaremetalModel | None = None
    placement: PlacementPolicy = field(default_factory=PlacementPolicy)
    start: Sequence[LoggedStep] = ()
    cost: MigrationCost = field(default_factory=MigrationCost)
