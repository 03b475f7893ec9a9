"""The port of the cloud: collecting models and executing actions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.records import (
    AggregateRow,
    GroupRow,
    HostRow,
    QuarantinedRecord,
    ServerRow,
)
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import INTERNAL_ERROR, Cause, Reason
from domain.plans.action_types.declaration import ActionType
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import OUTCOME_UNKNOWN

CLOUD_UNREACHABLE = Reason("cloud-unreachable", "The cloud could not be reached: {error}")
CLOUD_REFUSED = Reason("cloud-refused", "The cloud refused the request: {error}")


class CloudUnreachable(Exception):
    """No usable response: connection error, time-out, HTTP 5xx, or authentication down.

    After a request that changes the cloud, it is unknown whether the change was made: observe.
    """


class CloudRefused(Exception):
    """The cloud refused the request and changed nothing.

    Attributes:
        because: the reason, with the cloud's error message.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because

    @property
    def is_service_absent(self) -> bool:
        """Whether the cloud has no such service."""
        return self.because.reason == SERVICE_ABSENT


def cause_of(failure: Exception) -> Cause:
    """The reason of a failed call to the cloud; any other exception is an internal error."""
    if isinstance(failure, CloudRefused):
        return failure.because
    if isinstance(failure, CloudUnreachable):
        return Cause(CLOUD_UNREACHABLE, {"error": str(failure)})
    return Cause(INTERNAL_ERROR, {"error": f"{type(failure).__name__}: {failure}"})


_correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)


@contextmanager
def correlated(correlation_id: UUID | None) -> Iterator[None]:
    """Sends this id with all requests inside the context, so that it is in the cloud's logs."""
    token = _correlation.set(correlation_id)
    try:
        yield
    finally:
        _correlation.reset(token)


def correlation() -> UUID | None:
    """The correlation id of the current context, if any."""
    return _correlation.get()


@dataclass(frozen=True, kw_only=True)
class CollectedRows:
    """The raw rows of one complete collection. An incomplete collection is an error.

    Attributes:
        problems: what is missing in the responses.
        aside: records of which no row could be made.
        calls: number of requests.
        whole_age: seconds between the beginning of the latest collection that read everything again
            and the beginning of this one; 0 if this one did.
    """

    problems: tuple[Cause, ...] = ()
    aside: Sequence[QuarantinedRecord] = ()
    calls: int = 0
    whole_age: float = 0.0


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
    """Rows of Ironic or MAAS."""

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


class HostStates(Protocol):
    """Reads whether hosts are up."""

    def host_states(self) -> Mapping[str, str]:
        """The state of each compute service, ``up`` or ``down``, by host. One request.

        Raises:
            CloudUnreachable: they could not be read.
            CloudRefused: the credentials lack a right.
        """
        ...


ComputeCollector = CloudCollector[ComputeRows]
StorageCollector = CloudCollector[StorageRows]
BaremetalCollector = CloudCollector[BaremetalRows]


@dataclass(frozen=True)
class Go:
    """The action can start.

    Attributes:
        before: the state of the cloud now, as far as it is needed to detect the effect later (for
            example the ids of the existing migrations).
    """

    before: JsonObject


@dataclass(frozen=True)
class Skip:
    """The action has nothing to do."""

    because: Cause


@dataclass(frozen=True)
class Fail:
    """The action cannot be executed."""

    because: Cause


Verdict = Go | Skip | Fail


class Phase(StrEnum):
    """The phase of an effect."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NEVER_STARTED = "never-started"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Observation:
    """The state of an effect in the cloud.

    Attributes:
        facts: for example progress, ids, the current host.
        because: for FAILED and UNKNOWN.
        aborted: for FAILED: whether the effect was aborted, by Vigil or by somebody else.
        next_step: for RUNNING: the step that the effect waits for and that only ``advance`` takes.
        copied: for RUNNING: bytes copied so far, None if the cloud does not show them.
        remaining: for RUNNING: bytes that are left to copy, None if the cloud does not show them.
        rest: for RUNNING: seconds until the effect ends, None if that is not known.
    """

    phase: Phase
    facts: JsonObject
    because: Cause | None = None
    aborted: bool = False
    next_step: str | None = None
    copied: float | None = None
    remaining: float | None = None
    rest: float | None = None

    @property
    def cause(self) -> Cause:
        """Why the effect failed or is unknown."""
        return self.because or Cause(OUTCOME_UNKNOWN, self.facts)


class ActionHandler(Protocol):
    """Executes one type of action in the cloud. Stateless.

    The parameters of the methods:

    * ``parameters``: the input parameters of the action.
    * ``before``: the state of the cloud that ``check`` returned; it is stored before the request.
    * ``receipt``: the result of ``start``; None if it was lost.
    * ``outcome``: the facts of the last observation.

    Attributes:
        declaration: of the action type.
    """

    declaration: ActionType

    def check(self, parameters: JsonObject) -> Verdict:
        """Checks the parameters against the schema, then the pre-condition of the action."""
        ...

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends the request once; returns the cloud's response.

        Raises:
            CloudRefused: the cloud changed nothing.
            CloudUnreachable: it is unknown whether the cloud changed anything.
        """
        ...

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Returns the state of the effect in the cloud. It only reads.

        Raises:
            CloudUnreachable: the state is unknown now; observe again.
        """
        ...

    def advance(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None, step: str
    ) -> JsonObject:
        """Sends the request of the next step that ``observe`` showed, once; returns the response.

        Raises:
            CloudRefused: the cloud changed nothing; observe again.
            CloudUnreachable: it is unknown whether the cloud changed anything; observe again.
        """
        ...

    def can_abort(self, parameters: JsonObject) -> bool:
        """Whether ``abort`` can stop a running effect."""
        ...

    def abort(self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None) -> None:
        """Requests that the cloud stops a running effect. May be repeated.

        Raises:
            CloudRefused: the cloud refused that; observe again.
            CloudUnreachable: it is unknown whether the cloud stops it; observe again.
        """
        ...

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """Returns the action that undoes this one, or why there is none. Sends nothing."""
        ...

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """Seconds after the intent at which a running effect times out."""
        ...
