"""The debugger in a terminal of a given size, driven by keys."""

import asyncio
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot
from textual.widgets import Input

from application.ports.event_log import ReadOnlyLog
from application.replay.debugger.session import Session
from interfaces.terminal.debugger.app import Debugger
from interfaces.terminal.debugger.panes import Tools
from interfaces.terminal.debugger.searches import Refused
from tests.integration.debugger.conftest import Recorded

SETTINGS = ("--data", ".vigil/demo")


def place(log: ReadOnlyLog, word: str) -> int:
    if not word.isdecimal():
        raise Refused(f"no aggregate in the log has the id or name {word}")
    return int(word)


def until(log: ReadOnlyLog, text: str, after: int) -> int | None:
    return after + 10 if text == "soon" else None


class Driver:
    """Presses keys and reads the screen."""

    def __init__(self, app: Debugger, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> "Driver":
        await self.pilot.press(*keys)
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()
        return self

    async def enter(self, sign: str, text: str) -> "Driver":
        await self.pilot.press(sign)
        self.app.screen.query_one(Input).value = text
        return await self.press("enter")

    @property
    def screen(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips) + "\n"

    @property
    def footer(self) -> str:
        return self.screen.splitlines()[-1].strip()

    @property
    def position(self) -> int:
        assert self.app.session.selected is not None
        return self.app.session.selected.position


def drive(
    recorded: Recorded,
    story: Callable[[Driver], Awaitable[object]],
    size: tuple[int, int] = (120, 40),
    at: int | None = None,
) -> None:
    """Runs a story against the debugger, which begins at a position."""
    session: Session = recorded.session()
    if at is not None:
        session.reveal(at)
    app = Debugger(session, Tools(lambda: recorded.records, place, until, SETTINGS))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.press()
            await story(driver)

    asyncio.run(run())
