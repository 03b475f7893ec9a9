"""How every pane and page looks, at three sizes; and that they survive any other size."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.terminal.viewer.frame import frame
from interfaces.terminal.viewer.listing import Subject
from interfaces.terminal.viewer.lists import SERVERS
from interfaces.terminal.viewer.pages import Page
from interfaces.terminal.viewer.picture import Picture
from interfaces.terminal.viewer.viewer import PANES, Viewer
from tests.golden.viewer import example

GOLDEN = Path(__file__).parent
RENEW = "VIGIL_RENEW_GOLDEN"
"""Set this variable to write the frames anew; look at the difference before you commit it."""
SIZES = ((80, 24), (120, 40), (200, 60))
HOSTILE = "a\nb\x1b[31mred\u202e\x9b2J"
"""A name that breaks the line, colours what follows, and turns the direction of writing."""


def viewer(**more: Any) -> Viewer:
    return Viewer(example.picture(**more))


def focused(name: str) -> Callable[[], Viewer]:
    def make() -> Viewer:
        found = viewer()
        found.focus = name
        return found

    return make


def a_page() -> Viewer:
    found = viewer()
    about = [("host", "compute-01"), ("zone", "az-1")]
    servers = [example.server(number) for number in range(1, 60)]
    page = Page(Subject("host", "compute-01", "compute-01"), about, SERVERS, servers)
    found.open(page)
    return found


SCREENS: dict[str, Callable[[], Viewer]] = {
    **{name: focused(name) for name in PANES},
    "page": a_page,
    "empty": lambda: Viewer(Picture(example.URL)),
    "away": lambda: viewer(
        away="the API at http://127.0.0.1:9322 does not answer: refused",
        away_since=example.later(-60),
    ),
    "past": lambda: viewer(past=416),
}


def drawn(view: Viewer, width: int, height: int) -> str:
    lines = frame(view, example.later(1), width, height)
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width
    return "\n".join(line.plain.rstrip() for line in lines) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_was_agreed(name: str, size: tuple[int, int]) -> None:
    path = GOLDEN / f"{name}-{size[0]}x{size[1]}.txt"
    text = drawn(SCREENS[name](), *size)
    if os.environ.get(RENEW):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@given(width=st.integers(1, 220), height=st.integers(1, 70))
def test_a_screen_never_exceeds_the_terminal(width: int, height: int) -> None:
    random = Random(width * 100 + height)
    drawn(SCREENS[random.choice(list(SCREENS))](), width, height)


@pytest.mark.parametrize("name", PANES)
def test_names_do_not_break_or_recolour_the_screen(name: str) -> None:
    """An audit called "a, newline, escape" took two lines and coloured the operator's screen."""
    rows = {
        key: [
            {**one, **{field: HOSTILE for field in FREE if field in one}}
            for one in example.OVERVIEW[key]
        ]
        for key in ("audits", "plans", "events", "roles")
    }
    hosts = [{**one, "name": HOSTILE, "disabled_reason": HOSTILE} for one in example.HOSTS]
    view = viewer(overview={**example.OVERVIEW, **rows}, hosts=hosts)
    view.focus = name
    text = drawn(view, 200, 60)
    assert len(text.splitlines()) == 60
    assert not set("\x1b\x9b\u202e") & set(text)
    assert r"a\nb\x1b[31mred" in text


FREE = ("name", "message", "summary", "actor", "doing", "strategy", "goal")
"""Fields of documents with texts that users or clouds have written."""
