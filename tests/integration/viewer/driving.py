"""The viewer in a terminal of a given size, driven by keys."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta

from textual.pilot import Pilot
from textual.widgets import Input

from interfaces.client import VigilClient
from interfaces.terminal.viewer.app import ViewerApp
from interfaces.terminal.viewer.feed import Feed
from interfaces.terminal.viewer.viewing import Tools
from tests.given import NOON
from tests.integration.viewer.api import PreparedApi

PATIENCE = 20.0
AWAY = "the database of this API is not at hand"
PORT = re.compile(r"http://127\.0\.0\.1:\d+")


class SteadyClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 1.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Driver:
    """Presses keys and reads the screen."""

    def __init__(self, app: ViewerApp, pilot: Pilot[None], clock: SteadyClock) -> None:
        self.app = app
        self.pilot = pilot
        self.clock = clock

    async def press(self, *keys: str) -> "Driver":
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self

    async def until(self, text: str) -> "Driver":
        """Waits until the screen shows a text."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while text not in self.screen:
            assert loop.time() < end, f"{text!r} is not shown:\n{self.screen}"
            await self.pilot.pause(0.02)
        return self

    async def enter(self, text: str) -> "Driver":
        """Enters a text where one is asked for."""
        self.app.screen.query_one(Input).value = text
        return await self.press("enter")

    @property
    def screen(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        text = "\n".join(strip.text.rstrip() for strip in strips) + "\n"
        return PORT.sub("http://127.0.0.1:9322", text)


def drive(
    api: PreparedApi,
    story: Callable[[Driver], Awaitable[object]],
    size: tuple[int, int] = (120, 40),
    interval: float = 1.0,
) -> None:
    """Runs a story against the viewer once it shows the installation."""
    clock = SteadyClock()
    client = VigilClient(api.url)
    feed = Feed(client, api.url, clock)
    app = ViewerApp(feed, Tools(lambda: VigilClient(api.url), clock, interval, AWAY))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, clock)
            await driver.until("00000032")
            await story(driver)

    with closing(client):
        asyncio.run(run())
