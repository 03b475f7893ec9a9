"""How the screens look, at three sizes; and that they survive any other size."""

import os
import re
from pathlib import Path
from random import Random

import pytest

from tests.integration.debugger.conftest import Recorded
from tests.integration.debugger.driving import Driver, drive

GOLDEN = Path(__file__).parents[2] / "golden" / "debugger"
RENEW = "VIGIL_RENEW_GOLDEN"
"""Set this variable to write the frames anew; look at the difference before you commit it."""
DIGEST = re.compile("[0-9a-f]{40}[0-9a-f…]+")
"""Of the decision record: it changes with the form of records."""
SIZES = ((80, 24), (120, 40), (200, 60))
MOMENT = 20
"""Position of the third migration's request."""
SCREENS = {
    "main": (),
    "hosts": ("h",),
    "tree": ("t",),
    "help": ("question_mark",),
    "why": ("w",),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_screens_look_as_they_were_agreed(recorded: Recorded, size: tuple[int, int]) -> None:
    width, height = size
    different = []

    async def story(driver: Driver) -> None:
        for name, keys in SCREENS.items():
            await driver.press(*keys)
            path = GOLDEN / f"{name}-{width}x{height}.txt"
            screen = DIGEST.sub("(digest)", driver.screen)
            if os.environ.get(RENEW):
                path.write_text(screen, encoding="utf-8")
            if screen != path.read_text(encoding="utf-8"):
                different.append(f"{path.name}:\n{screen}")
            if keys:
                await driver.press("escape")

    drive(recorded, story, size, at=MOMENT)
    assert different == []


def test_a_storm_of_resizes_leaves_no_line_that_is_too_long(recorded: Recorded) -> None:
    random = Random(7)

    async def story(driver: Driver) -> None:
        for _ in range(12):
            width, height = random.randint(1, 220), random.randint(1, 70)
            await driver.pilot.resize_terminal(width, height)
            await driver.press(random.choice(["j", "k", "h", "t", "r", "right", "pagedown"]))
            rows = driver.screen.splitlines()
            assert len(rows) == height
            assert max(map(len, rows)) <= width
        await driver.pilot.resize_terminal(120, 40)
        await driver.press("home")
        assert "Audit 'nightly' requested" in driver.screen

    drive(recorded, story)


def test_without_colours_the_selected_line_is_still_visible(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(driver: Driver) -> None:
        assert driver.app.no_color
        (line,) = [row for row in driver.screen.splitlines() if row.startswith(">")]
        assert str(driver.position) in line

    drive(recorded, story)
