"""The lines of `vigil status` without a terminal, and the bars that several outputs share."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from interfaces.terminal.plain import lines
from interfaces.terminal.plan_progress import progress_bar, unsuccessful
from interfaces.terminal.wording import Counts
from tests.golden.viewer import example
from tests.golden.viewer.test_frames import HOSTILE, RENEW

PATH = Path(__file__).parent / "plain.txt"


def test_the_plain_lines_look_as_they_were_agreed() -> None:
    text = "\n".join(lines(example.OVERVIEW)) + "\n"
    if os.environ.get(RENEW):
        PATH.write_text(text, encoding="utf-8")
    assert text == PATH.read_text(encoding="utf-8")


def test_names_do_not_break_the_plain_lines() -> None:
    audits = [{**one, "name": HOSTILE, "message": HOSTILE} for one in example.AUDITS]
    output = list(lines({**example.OVERVIEW, "audits": audits}))
    assert len(output) == len(list(lines(example.OVERVIEW)))
    assert not set("\n\x1b\x9b\u202e") & set("".join(output))
    assert r"a\nb\x1b[31mred\u202e\x9b2J" in "".join(output)


def test_actions_that_did_not_succeed_are_counted_apart_and_in_red() -> None:
    """They counted as done: a failed or superseded plan showed a full bar, as a successful one."""
    failed = Counts(total=9, succeeded=3, failed=2, skipped=1, cancelled=3)
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
    assert progress_bar(Counts(7, 0, 0, 0, 7), 12).plain == "░" * 12


@given(
    numbers=st.tuples(*[st.integers(0, 400)] * 4),
    remaining=st.integers(0, 400),
    width=st.integers(0, 60),
)
def test_a_bar_of_progress_has_its_width(
    numbers: tuple[int, int, int, int], remaining: int, width: int
) -> None:
    counts = Counts(sum(numbers) + remaining, *numbers)
    assert len(progress_bar(counts, width)) == width
