import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from application.queries.overview import Overview
from interfaces.terminal.frame import frame, share
from interfaces.terminal.plain import as_json, lines
from interfaces.terminal.plan_progress import progress_bar, unsuccessful
from tests.golden.terminal.example import AWAY, BUSY, EMPTY, plan, with_problem

GOLDEN = Path(__file__).parent
RENEW = "VIGIL_RENEW_GOLDEN"
"""Set this variable to write the frames anew; look at the difference before you commit it."""


def drawn(view: Overview, width: int, height: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None, highlight=False)
    console.print(frame(view, width, height))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get(RENEW):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
@pytest.mark.parametrize(("name", "view"), [("busy", BUSY), ("empty", EMPTY), ("away", AWAY)])
def test_a_screen_looks_as_it_was_agreed(
    name: str, view: Overview, width: int, height: int
) -> None:
    compare(f"{name}-{width}x{height}", drawn(view, width, height))


def test_the_plain_lines_look_as_they_were_agreed() -> None:
    compare("busy-plain", "\n".join(lines(BUSY)) + "\n")


def test_the_json_looks_as_it_was_agreed() -> None:
    compare("busy-json", as_json(BUSY) + "\n")


@given(width=st.integers(20, 200), height=st.integers(8, 80))
def test_a_screen_never_exceeds_the_terminal(width: int, height: int) -> None:
    rows = drawn(BUSY, width, height).splitlines()
    assert len(rows) <= height
    assert max(map(len, rows)) <= width


def test_actions_that_did_not_succeed_are_counted_apart_and_in_red() -> None:
    """They counted as done: a failed or superseded plan showed a full bar, as a successful one."""
    failed, superseded = BUSY.plans[2], BUSY.plans[3]
    text = unsuccessful(failed)
    assert text.plain == "2 failed 3 cancelled 1 skipped"
    red = [text.plain[one.start : one.end] for one in text.spans if one.style == "red"]
    assert red == ["2 failed", "3 cancelled"]
    line = progress_bar(failed, 9)
    assert line.plain == "██████░░░"
    assert [(one.end - one.start, one.style) for one in line.spans] == [
        (3, "cyan"),
        (2, "red"),
        (1, "magenta"),
        (3, "red"),
    ]
    assert progress_bar(superseded, 12).plain == "░" * 12


@given(
    numbers=st.tuples(*[st.integers(0, 400)] * 4),
    remaining=st.integers(0, 400),
    width=st.integers(0, 60),
)
def test_a_bar_of_progress_has_its_width(
    numbers: tuple[int, int, int, int], remaining: int, width: int
) -> None:
    _, failed, cancelled, skipped = numbers
    ended = sum(numbers)
    one = plan(
        1, "ONGOING", ended, ended + remaining, failed=failed, cancelled=cancelled, skipped=skipped
    )
    assert len(progress_bar(one, width)) == width


HOSTILE = "a\nb\x1b[31mred\u202e\x9b2J"
"""A name that breaks the line, colours what follows, and turns the direction of writing."""


def hostile(view: Overview) -> Overview:
    """The same with a name, a message and an event that any user may have written."""
    audits = tuple(replace(one, name=HOSTILE, message=HOSTILE) for one in view.audits)
    events = tuple(replace(one, summary=HOSTILE, actor=HOSTILE) for one in view.events)
    return with_problem(replace(view, audits=audits, events=events), HOSTILE)


@given(width=st.integers(20, 200), height=st.integers(8, 80))
def test_names_do_not_break_or_recolour_the_screen(width: int, height: int) -> None:
    """An audit called "a, newline, escape" took two lines and coloured the operator's screen."""
    text = drawn(hostile(BUSY), width, height)
    assert len(text.splitlines()) <= height
    assert not set("\x1b\x9b\u202e") & set(text)


def test_names_do_not_break_the_plain_lines() -> None:
    output = list(lines(hostile(BUSY)))
    assert len(output) == len(list(lines(with_problem(BUSY, "p"))))
    assert not set("\n\x1b\x9b\u202e") & set("".join(output))
    assert r"a\nb\x1b[31mred\u202e\x9b2J" in "".join(output)


@given(wanted=st.lists(st.integers(0, 30), max_size=6), room=st.integers(0, 100))
def test_room_is_shared_without_waste_and_without_favour(wanted: list[int], room: int) -> None:
    granted = share(wanted, room)
    assert sum(granted) == min(room, sum(wanted))
    assert all(got <= want for got, want in zip(granted, wanted, strict=True))
    short = [got for got, want in zip(granted, wanted, strict=True) if got < want]
    assert not short or max(granted) <= min(short) + 1


def test_colours_are_left_out_where_nobody_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, highlight=False)
    console.print(frame(BUSY, 80, 24))
    assert "\x1b[3" not in out.getvalue()
