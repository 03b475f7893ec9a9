"""The output of `vigil replay trace` and `blame`."""

import json
from collections.abc import Iterator, Sequence

from application.replay.blame import Assignment
from application.replay.trace import Span
from infrastructure.logs import one_line
from interfaces.terminal.history import origin, stamp
from interfaces.terminal.wording import STATE_SIGNS


def trace_lines(spans: Sequence[Span]) -> Iterator[str]:
    """What a run did: seconds since its request, what, duration, requests to the cloud."""
    for span in spans:
        fact = span.fact
        sign = "  " if fact.state is None else f"{STATE_SIGNS.get(fact.state, '·')} "
        took = "" if fact.seconds is None else f"  {fact.seconds:.2f} s"
        who = f"  [{fact.who}]" if fact.state is None and fact.who else ""
        why = f"  {fact.why}" if fact.why else ""
        yield f"{span.offset:>9.2f} s  {sign}{fact.what}{took}{who}{why}"
        for call in span.calls:
            accepted = "no response recorded" if call.seconds is None else f"{call.seconds:.2f} s"
            yield f"{'':>13}  {call.what}: {accepted}"


def assignment_lines(found: Sequence[Assignment]) -> Iterator[str]:
    """The events that set an attribute, oldest first."""
    for one in found:
        event = one.event
        why = f"  [{origin(event)}]" if origin(event) else ""
        change = f"{_short(one.before)} -> {_short(one.after)}"
        yield f"{event.position:>7} {stamp(event.at)[:19]}  v{event.version}  {change}"
        yield f"{'':>7} {event.who}: {one_line(event.what)}{why}"


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
