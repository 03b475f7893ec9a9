"""`vigil replay bisect`: the first event at which a condition became true."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from application.kernel.json_values import json_value
from application.replay.bisection import Bisection, first_true
from application.replay.expression import Expression, written
from application.replay.moments import position_at
from application.replay.timeline import TimelineEntry, timeline_entry
from application.replay.tracks import Tracks
from infrastructure.cron import next_match
from interfaces.bootstrap.history import History
from interfaces.cli.printing import print_lines
from interfaces.cli.replay_source import opened
from interfaces.terminal.history import event_line, short


def run(args: argparse.Namespace) -> int:
    """Searches; returns 1 if the condition was never true."""
    with opened(args) as history:
        log = history.log
        since = 0 if args.since is None else position_at(log, args.since)
        until = None if args.until is None else position_at(log, args.until)
        expression = Expression(args.expression)
        tracks = Tracks(log, history.index, history.cluster, next_match)
        found = first_true(expression, tracks.of(expression, since), since, until)
        event = _event(history, found)
    if args.json:
        print(json.dumps(_as_json(found, event)))
    else:
        print_lines(_lines(found, event))
    return 1 if found.position is None else 0


def _event(history: History, found: Bisection) -> TimelineEntry | None:
    if not found.position:
        return None
    return timeline_entry(history.log.read(found.position - 1, 1)[0])


def _as_json(found: Bisection, event: TimelineEntry | None) -> dict[str, Any]:
    return {
        "position": found.position,
        "already": found.already,
        "searched": found.searched,
        "event": json_value(event),
        "before": {written(path): value for path, value in found.before.items()},
        "after": {written(path): value for path, value in found.after.items()},
        "unknown": list(found.unknown),
        "absent": [written(path) for path in found.absent],
    }


def _lines(found: Bisection, event: TimelineEntry | None) -> Iterator[str]:
    if found.position is None:
        yield "it was never true"
    elif event is None:
        yield "it was true before the first event"
    else:
        already = "it was true already since" if found.already else "it became true at"
        yield f"{already} position {event.position}:"
        yield event_line(event)
    for path, after in found.after.items():
        before = found.before[path]
        now = short(after) if before == after else f"{short(before)} -> {short(after)}"
        never = " (never existed)" if path in found.absent else ""
        yield f"  {written(path)}: {now}{never}"
    yield f"{found.searched} events in the range can change it"
    for because in found.unknown:
        yield f"not judged: {because}"
