import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from interfaces.demo.film import Film, picture, progress
from interfaces.demo.output import DemoOutput
from interfaces.demo.places import CLOSED, OFF, OPEN, Effect, Place, Places, effects_of, hosts_of
from interfaces.terminal.plan_explanation import counted, explained
from tests.golden.demo.example import EXPLANATION, GIB, HOSTS, MEMORY, MOVES, PLAN, VOLUMES

GOLDEN = Path(__file__).parent
RENEW = "VIGIL_RENEW_GOLDEN"
"""Set this variable to write the texts anew; look at the difference before you commit it."""
DONE = ("move-1", "move-2")


def compare(name: str, lines: Sequence[str]) -> None:
    path = GOLDEN / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    if os.environ.get(RENEW):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def places() -> Places:
    return Places(hosts_of(HOSTS), effects_of(MOVES, MEMORY))


def drawn(width: int, height: int, done: Sequence[str] = DONE) -> list[str]:
    shown = places()
    found = picture(PLAN, shown.at(done), shown.after, 6.0, width, height)
    return [line.plain for line in found]


def test_a_plan_is_explained_as_it_was_agreed() -> None:
    compare("explained-80", list(explained(EXPLANATION, HOSTS)))


def test_a_plan_of_volumes_is_explained_as_it_was_agreed() -> None:
    compare("volumes-80", list(explained(VOLUMES)))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_execution_looks_as_it_was_agreed(width: int, height: int) -> None:
    compare(f"film-{width}x{height}", drawn(width, height))


@given(width=st.integers(20, 200), height=st.integers(12, 80))
def test_the_picture_has_a_fixed_height_and_never_exceeds_the_terminal(
    width: int, height: int
) -> None:
    frames = [drawn(width, height, DONE[:count]) for count in range(3)]
    assert len({len(one) for one in frames}) == 1
    assert len(frames[0]) < height
    assert max(len(line) for frame in frames for line in frame) <= width


@given(width=st.integers(76, 120))
def test_an_explanation_never_exceeds_its_width(width: int) -> None:
    assert max(map(len, explained(EXPLANATION, HOSTS, width))) <= width


def test_a_host_is_free_only_if_all_its_servers_leave() -> None:
    crowded = [{**one, "servers": 40} for one in HOSTS]
    assert "32 vCPUs 128 GB" in "\n".join(explained(EXPLANATION, HOSTS))
    assert "vCPUs" not in "\n".join(explained(EXPLANATION, crowded))


def test_a_remark_that_repeats_a_refusal_is_shown_once() -> None:
    refused = EXPLANATION["rejections"][0]["because"]
    repeated = {**EXPLANATION, "notes": [refused]}
    assert sum("compute-01 cannot be emptied" in line for line in explained(repeated)) == 1


def test_an_empty_plan_says_why() -> None:
    because = {"reason": "none-over", "facts": {}, "text": "no pool is over the threshold"}
    empty = {"moves": [], "rejections": [], "rejection_count": 0, "notes": [because]}
    shown = list(explained(empty))
    assert shown[0] == "The plan does nothing."
    assert "  - no pool is over the threshold" in shown


def test_a_plan_is_counted_by_what_it_does() -> None:
    assert counted(MOVES) == "moves 5 servers, disables 1 host"
    assert counted(VOLUMES["moves"]) == "moves 2 volumes"
    assert counted([*MOVES[:1], *VOLUMES["moves"]]) == "moves 2 volumes and 1 server"


def test_places_follow_the_actions_that_have_succeeded() -> None:
    shown = places()
    before, now = shown.at(()), shown.at(DONE)
    assert before["compute-03"].used - now["compute-03"].used == 8 * GIB
    assert now["compute-01"].used - before["compute-01"].used == 8 * GIB
    assert now["compute-03"].condition == OPEN
    assert shown.after["compute-03"] == Place("compute-03", 128 * GIB, 0.0, CLOSED)
    assert before["compute-04"].condition == CLOSED


def test_a_machine_that_is_switched_off_is_marked() -> None:
    shown = Places([Place("one", 10, 0)], {"a": Effect(place="one", condition=OFF)})
    assert shown.after["one"].condition == OFF


def test_without_a_terminal_there_is_one_line_per_ten_percent() -> None:
    out = io.StringIO()
    with Film(Console(file=out, width=200), places()) as film:
        for ended in (0, 0, 1, 6, 6):
            film.show({**PLAN, "ended": ended}, (), 1.0)
    lines = out.getvalue().splitlines()
    assert [line.split()[3] for line in lines] == ["0/6", "1/6", "6/6"]
    assert "\x1b" not in out.getvalue()


def test_the_progress_counts_failures_apart() -> None:
    assert progress(PLAN, 6.0).plain == (
        "  6 s  ONGOING    3/6 actions, 2 running, 0.8 GB/s, 9s left, 1 failed"
    )


def test_no_colour_is_used_if_the_user_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80)
    DemoOutput(console).act("Start")
    console.print(Text("x", "red"))
    assert "3" not in "".join(part.partition("m")[0] for part in out.getvalue().split("\x1b[")[1:])


def test_figures_say_what_changed() -> None:
    out = io.StringIO()
    output = DemoOutput(Console(file=out, width=10_000))
    output.result({"hosts in use": 27, "power, W": 101.25}, {"hosts in use": 9})
    assert out.getvalue().splitlines() == [
        "                  before     after",
        "  hosts in use        27         9",
        "  power, W         101.2         -",
    ]
