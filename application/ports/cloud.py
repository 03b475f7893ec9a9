"""The port of the cloud: what can be collected from it and what can be done to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason


class CloudUnreachable(Exception):
    """No usable answer: connection, time-out, 5xx, or authentication down.

    If it comes out of an effect, whether the effect was had is unknown: observe.
    """


class CloudRefused(Exception):
    """The cloud understood and said no; the effect was not had.

    Attributes:
        because: the reason with the cloud's own words.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because

    @property
    def is_service_absent(self) -> bool:
        """Whether the cloud has no such service."""
        return self.because.reason is Reason.SERVICE_ABSENT


def cause_of(failure: Exception) -> Cause:
    """The reason of a failed call to the cloud; any other exception is an internal error."""
    if isinstance(failure, CloudRefused):
        return failure.because
    if isinstance(failure, CloudUnreachable):
        return Cause(Reason.CLOUD_UNREACHABLE, {"error": str(failure)})
    return Cause(Reason.INTERNAL_ERROR, {"error": f"{type(failure).__name__}: {failure}"})


_correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)


@contextmanager
def correlated(correlation_id: UUID | None) -> Iterator[None]:
    """Everything asked of the cloud inside carries this id into the cloud's own logs."""
    token = _correlation.set(correlation_id)
    try:
        yield
    finally:
        _correlation.reset(token)


def correlation() -> UUID | None:
    """The id that ties together what is being done, if any."""
    return _correlation.get()


@dataclass(frozen=True, kw_only=True)
class CollectedRows:
    """The raw rows of one complete collection. An incomplete collection is an error.

    Attributes:
        problems: what the service does not report, or reports without some part.
        calls: requests sent.
    """

    problems: tuple[Cause, ...] = ()
    calls: int = 0


@dataclass(frozen=True)
class ComputeRows(CollectedRows):
    """Rows of Nova and Placement."""

    hosts: Sequence[HostRow]
    servers: Sequence[ServerRow]
    groups: Sequence[GroupRow]
    aggregates: Sequence[AggregateRow]


@dataclass(frozen=True)
class StorageRows(CollectedRows):
    """Rows of Cinder."""

    nodes: Sequence[StorageNodeRow]
    pools: Sequence[PoolRow]
    volumes: Sequence[VolumeRow]
    types: Sequence[VolumeTypeRow]


@dataclass(frozen=True)
class BaremetalRows(CollectedRows):
    """Rows of Ironic."""

    nodes: Sequence[BaremetalNodeRow]


R_co = TypeVar("R_co", bound=CollectedRows, covariant=True)


class CloudCollector(Protocol[R_co]):
    """Reads the rows of one kind of model in bulk."""

    def collect(self) -> R_co:
        """Reads everything.

        Raises:
            CloudUnreachable: a part could not be read.
            CloudRefused: the credentials lack a right, or the cloud has no such service.
        """
        ...


ComputeCollector = CloudCollector[ComputeRows]
StorageCollector = CloudCollector[StorageRows]
BaremetalCollector = CloudCollector[BaremetalRows]


@dataclass(frozen=True)
class Go:
    """An action may have its effect.

    Attributes:
        before: what the cloud looks like now: enough to find out later whether the effect was had
            (e.g. the ids of the migrations that exist already).
    """

    before: JsonObject


@dataclass(frozen=True)
class Skip:
    """There is nothing to do."""

    because: Cause


@dataclass(frozen=True)
class Fail:
    """It cannot be done."""

    because: Cause


Verdict = Go | Skip | Fail


class Phase(StrEnum):
    """What became of an effect."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NEVER_STARTED = "never-started"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Observation:
    """What the cloud shows of an effect.

    Attributes:
        facts: what was seen (progress, ids, the host it is on).
        because: for FAILED and UNKNOWN.
    """

    phase: Phase
    facts: JsonObject
    because: Cause | None = None


class ActionHandler(Protocol):
    """Carries out one type of action against the cloud. Stateless: all it knows comes in.

    Parameters that break ``schema`` are refused before anything else: ``check`` answers ``Fail``.

    Attributes:
        type: action type.
        description: for people.
        schema: JSON Schema (draft 4) of the input parameters, ``resource_id`` included.
    """

    type: str
    description: str
    schema: JsonObject

    def check(self, parameters: JsonObject) -> Verdict:
        """Whether everything still holds for the effect (spec: pre-condition)."""
        ...

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Has the effect, once; returns the cloud's receipt.

        Raises:
            CloudRefused: it was not had.
            CloudUnreachable: unknown whether it was had.
        """
        ...

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """What became of the effect, from what the cloud shows. Also after a crash (no receipt).

        An effect of several steps (a cold migration wants to be confirmed) is carried on by
        observing it: any number of observers may do so, each step is had once.

        Raises:
            CloudUnreachable: cannot tell now; ask again.
        """
        ...

    def abort(self, parameters: JsonObject, receipt: JsonObject | None) -> None:
        """Asks the cloud to stop a running effect; does nothing where that is not possible."""
        ...

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """Seconds from the intent after which a running effect is given up."""
        ...
