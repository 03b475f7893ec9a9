"""Facts on a terminal of 80 columns."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from application.ports.event_log import RecordedEvent
from application.replay.facts import Fact, single
from domain.kernel.aggregate import Event
from interfaces.terminal.facts import print_facts
from tests.golden.events.history import golden_history


def facts() -> list[Fact]:
    """Three facts, the last one a day later."""
    (audit, *_) = golden_history()
    events = [one for one in audit.collect_events() if isinstance(one, Event)]
    found = [
        single(RecordedEvent(at, str(vars(type(event))["TOPIC"]), event))
        for at, event in enumerate(events[:3], start=1)
    ]
    assert found[2].at is not None
    return [*found[:2], replace(found[2], at=found[2].at + timedelta(days=1))]


def printed(width: int, *, terminal: bool, day: str = "") -> list[str]:
    out = io.StringIO()
    print_facts(
        facts(),
        Console(file=out, width=width, force_terminal=terminal, color_system=None),
        graph=False,
        day=day,
    )
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_on_a_narrow_terminal_a_date_has_a_line_of_its_own() -> None:
    lines = printed(80, terminal=True)
    assert [at for at, line in enumerate(lines) if line.endswith(" UTC")] == [0, len(lines) - 2]
    assert lines[0].strip() == "2026-11-24 UTC"
    assert lines[1].startswith("      1 12:00:00  Audit")
    assert printed(80, terminal=True, day="2026-11-24") == lines[1:], "it goes on on that day"


@pytest.mark.parametrize(("width", "terminal"), [(120, True), (80, False)])
def test_else_each_line_has_its_date(width: int, *, terminal: bool) -> None:
    lines = printed(width, terminal=terminal)
    assert lines[0].startswith("      1 2026-11-24 12:00:00  Audit")
    assert not any(line.endswith(" UTC") for line in lines)
