"""A cloud of one action type that does what a test tells it to, and counts the effects it had."""

import threading
from collections import deque
from collections.abc import Callable

from application.ports.cloud import (
    CloudRefused,
    CloudUnreachable,
    Fail,
    Go,
    Observation,
    Phase,
    Skip,
    Verdict,
)
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types import ActionType, ResourceKind
from domain.plans.action_types.schemas import parameters as schema_of
from domain.plans.reasons import MIGRATION_ABORTED, MIGRATION_REFUSED, SERVER_NOT_FOUND
from infrastructure.openstack.actions.base import Handler

NO = Cause(MIGRATION_REFUSED, {"server": "s", "error": "no"})
GONE = Cause(SERVER_NOT_FOUND, {"server": "s"})

_TEXT: JsonObject = {"type": "string"}
_PARAMETERS: dict[str, JsonObject] = {
    "resource_id": _TEXT,
    "source_node": _TEXT,
    "destination_node": _TEXT,
    "state": _TEXT,
    "migration_type": _TEXT,
    "resource_name": _TEXT,
    "disabled_reason": _TEXT,
}
"""Its own one, and those of migrations and of changes of a service's state."""


class ReferenceCloud(Handler):
    """A handler whose effects take some looks to finish; it passes the suite of all handlers.

    Attributes:
        effects: resources on which an effect was had, in order.
        surprises: what the next effects do instead of answering: called with the resource after
            the effect was had (``after``) or before it (``before``).
        step: a further step that each effect waits for, None if there is none.
        advanced: resources on which the step was taken, in order.
    """

    declaration = ActionType(
        name="act",
        description="Acts.",
        schema=schema_of(("resource_id",), **_PARAMETERS),
        resource=ResourceKind.SERVER,
        abortable=True,
    )

    def __init__(self, looks: int = 2, deadline: float = 60.0) -> None:  # it asks no service
        self.effects: list[str] = []
        self.aborted: list[str] = []
        self.advanced: list[str] = []
        self.step: str | None = None
        self.verdicts: dict[str, Verdict] = {}
        self.before: deque[Callable[[str], None]] = deque()
        self.after: deque[Callable[[str], None]] = deque()
        self.unreachable = 0
        self.hang = False
        self._looks = looks
        self._deadline = deadline
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()

    def precondition(self, parameters: JsonObject) -> Verdict:
        with self._lock:
            self._answer()
            resource = str(parameters["resource_id"])
            return self.verdicts.get(resource, Go({"effects": self.effects.count(resource)}))

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        resource = str(parameters["resource_id"])
        if self.before:
            self.before.popleft()(resource)
        with self._lock:
            self.effects.append(resource)
            self._seen[resource] = 0
        if self.after:
            self.after.popleft()(resource)
        return {"number": len(self.effects), "had": before}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        with self._lock:
            self._answer()
            resource = str(parameters["resource_id"])
            if self.effects.count(resource) == before.get("effects", 0):
                return Observation(Phase.NEVER_STARTED, {})
            if resource in self.aborted:
                because = Cause(MIGRATION_ABORTED, {"server": resource, "migration": "m"})
                return Observation(Phase.FAILED, {"receipt": receipt}, because, aborted=True)
            self._seen[resource] += 1
            if self.hang or self._seen[resource] < self._looks:
                return Observation(Phase.RUNNING, {"percent": 50.0, "status": "running"})
            if self.step is not None and resource not in self.advanced:
                return Observation(Phase.RUNNING, {"status": "waits"}, next_step=self.step)
            return Observation(Phase.DONE, {"host": "b"})

    def advance(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None, step: str
    ) -> JsonObject:
        assert step == self.step
        resource = str(parameters["resource_id"])
        if self.before:
            self.before.popleft()(resource)
        with self._lock:
            self.advanced.append(resource)
        if self.after:
            self.after.popleft()(resource)
        return {"number": len(self.advanced)}

    def abort(self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None) -> None:
        with self._lock:
            self.aborted.append(str(parameters["resource_id"]))

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> Cause:
        return NO

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        return self._deadline

    def _answer(self) -> None:
        if self.unreachable:
            self.unreachable -= 1
            raise CloudUnreachable("503")


def refuses(_: str) -> None:
    raise CloudRefused(NO)


def loses_the_reply(_: str) -> None:
    raise CloudUnreachable("connection reset")


SKIP = Skip(GONE)
FAIL = Fail(NO)
