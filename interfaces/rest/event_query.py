"""Which events a request selects: the query parameters of ``/v1/events`` and of its stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from uuid import UUID

from application.ports.read_models import EventFilter, ReadModels, TimelineView
from application.projections.sentences import SENTENCES
from interfaces.rest import parameters
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.parameters import Given, Parameter

DEFAULT_LIMIT = 100

_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
AFTER = Parameter("after", "Only events after this position.", {"type": "integer"})
LIMIT = Parameter(
    "limit",
    "Maximum number of events.",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
)
SELECTION = (
    Parameter("type", "Only these event types, separated by commas.", {"type": "string"}),
    Parameter("actor", "Only events caused by the actor with this name.", {"type": "string"}),
    Parameter("aggregate_id", "Only events of this object.", _UUID),
    Parameter("correlation_id", "Only events of this audit run.", _UUID),
)
TIMES = (
    Parameter("since", "Only events at or after this time.", _TIME),
    Parameter("until", "Only events before this time.", _TIME),
)
PAGE = (AFTER, LIMIT)
LIST = (*PAGE, *SELECTION, *TIMES)
STREAM = (AFTER, *SELECTION)


def _topics(given: Given) -> list[str]:
    text = given.get("type")
    if text is None:
        return []
    asked, known = [one.strip() for one in text.split(",")], SENTENCES
    unknown = sorted(set(asked) - known.keys())
    if unknown:
        near = get_close_matches(unknown[0], known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "; docs/events.md lists the types"
        raise MalformedRequest(
            f"Invalid value for type: {', '.join(map(repr, unknown))} is no type of event{hint}"
        )
    return asked


@dataclass(frozen=True)
class EventQuery:
    """Which events a request selects."""

    topics: Sequence[str]
    aggregates: Sequence[UUID]
    correlation: UUID | None
    only: EventFilter

    @classmethod
    def of(cls, given: Given) -> "EventQuery":
        """The selection that the parameters describe.

        Raises:
            MalformedRequest: a value is not of its type, or no event has such a type.
        """
        aggregate = parameters.uuid(given, "aggregate_id")
        since, until = parameters.time(given, "since"), parameters.time(given, "until")
        if since is not None and until is not None and since > until:
            raise MalformedRequest("Invalid value for until: it is before since")
        return cls(
            topics=_topics(given),
            aggregates=[] if aggregate is None else [aggregate],
            correlation=parameters.uuid(given, "correlation_id"),
            only=EventFilter(given.get("actor"), since, until),
        )

    def after(self, reads: ReadModels, position: int, limit: int) -> list[TimelineView]:
        """The first selected events after a position."""
        return reads.timeline(
            after=position,
            limit=limit,
            aggregate_ids=self.aggregates,
            correlation_id=self.correlation,
            topics=self.topics,
            only=self.only,
        )
