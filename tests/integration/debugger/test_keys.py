"""Every key and command."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from threading import Event, current_thread, main_thread
from uuid import UUID

import pytest
from textual.widgets import Input

from application.ports.event_log import Entry, ReadOnlyLog
from application.replay.aggregate_history import NoSuchMoment
from application.replay.debugger.session import Session
from application.replay.debugger.watched_log import WatchedLog
from interfaces.terminal.debugger.keys import COMMANDS, KEYS
from tests.integration.debugger.conftest import Recorded
from tests.integration.debugger.driving import Driver, drive

BRACKETS = ("right_square_bracket", "left_square_bracket")
PAGE = Path(__file__).parents[3] / "docs" / "replay.md"


def test_keys_step_page_and_jump(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        end = driver.position
        first = (await driver.press("home")).position
        assert first == 1
        for forward, backward in (("down", "up"), ("j", "k"), BRACKETS):
            there = (await driver.press(forward)).position
            assert there > first
            assert (await driver.press(backward)).position == first
        assert (await driver.press("pagedown")).position > first + 5
        assert (await driver.press("pageup")).position == first
        assert (await driver.press("k")).footer == "there are no more lines"
        assert (await driver.press("end")).position == end

    drive(recorded, story, size=(120, 20))


def test_arrows_scrub_over_the_hosts_and_h_and_u_show_them(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("home", "j", "right")
        assert "1/10 actions" in driver.screen
        moved = driver.position
        await driver.press("right", "right", "left")
        assert "2/10 actions" in driver.screen
        await driver.press("left")
        assert driver.position == moved
        assert "no more actions" in (await driver.press("left")).footer
        assert "STATE" not in (await driver.press("h")).screen
        assert "memory_mb" in driver.screen
        resources = {"memory_mb"}
        for _ in range(3):
            found = re.search(r"HOSTS  (\w+)", (await driver.press("u")).screen)
            assert found is not None
            resources.add(found[1])
        assert len(resources) > 1
        assert "STATE" in (await driver.press("escape")).screen

    drive(recorded, story)


def test_letters_toggle_the_tree_and_every_event(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        assert "claimed" not in driver.screen
        await driver.press("r", "home")
        assert "every event" in driver.screen
        await driver.press("r", "end", "t")
        assert "causes in run" in driver.screen
        assert "│     ├ ✓ migrate" in driver.screen
        await driver.press("escape")
        assert "causes in run" not in driver.screen
        assert "belongs to no run" in (await driver.press("home", "t")).footer

    drive(recorded, story)


def test_marks_are_set_and_visited(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        assert "no bookmark" in (await driver.press("apostrophe")).footer
        await driver.press("home", "j", "m", "end", "apostrophe")
        assert driver.position == 2
        assert ">●" in driver.screen
        assert "removed" in (await driver.press("m")).footer
        assert "watch" in (await driver.press("c")).footer
        await driver.press("end")
        end = driver.position
        assert "state changed" in (await driver.enter("colon", "watch state")).footer
        assert (await driver.press("C")).position < end
        assert ">◆" in driver.screen
        assert "no more changes" in (await driver.press("C", "C", "C", "C", "C")).footer
        assert "no attribute" in (await driver.enter("colon", "watch colour")).footer

    drive(recorded, story)


def test_searches_and_commands_go_to_places(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("home")
        await driver.enter("slash", "WEB-02")
        failed = driver.position
        assert "✗ migrate web-02" in driver.screen
        assert "no line after" in (await driver.enter("slash", "nowhere")).footer
        assert driver.position == failed
        assert (await driver.enter("colon", "goto 7")).position == 7
        assert (await driver.enter("colon", "2")).position == 2
        assert (await driver.enter("colon", "until soon")).position > 10
        assert "does not become true" in (await driver.enter("colon", "until late")).footer
        assert "no aggregate" in (await driver.enter("colon", "goto nobody")).footer
        assert "needs an argument" in (await driver.enter("colon", "watch")).footer
        before = driver.position
        await driver.press("colon", "1", "escape")
        assert driver.position == before

    drive(recorded, story)


def test_n_and_capital_n_search_on_forwards_and_backwards(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        assert "nothing was searched" in (await driver.press("home", "n")).footer
        await driver.enter("slash", "migrate")
        first = driver.position
        second = (await driver.press("n")).position
        third = (await driver.press("n")).position
        assert first < second < third
        assert (await driver.press("N")).position == second
        assert (await driver.enter("slash", "")).position == third, "an empty text searches again"
        assert (await driver.press("N", "N")).position == first
        assert "no line before this one" in (await driver.press("N")).footer
        await driver.press("end", "t")
        assert (await driver.press("N")).position > third, "also in the tree of causes"

    drive(recorded, story)


class Gate(WatchedLog):
    """A log of which threads read nothing as long as the gate is closed."""

    def __init__(self, log: ReadOnlyLog) -> None:
        super().__init__(log, self._pass)
        self.is_open = Event()
        self.waits = Event()

    def _pass(self, position: int) -> None:
        """The history of one aggregate is read at any time: the panes need it."""

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        if current_thread() is not main_thread():
            self.waits.set()
            assert self.is_open.wait(30)
        return super().read(after, limit, topics)


@pytest.mark.parametrize(
    ("sign", "text"),
    [("slash", "nowhere"), ("colon", "until late"), ("colon", "nobody"), ("colon", "watch state")],
)
def test_the_screen_lives_while_a_search_reads_and_esc_stops_it(
    recorded: Recorded, sign: str, text: str
) -> None:
    gate = Gate(recorded.log)

    def reading(log: ReadOnlyLog, *_: object) -> int:
        while True:
            log.read(3, 1)

    async def story(driver: Driver) -> None:
        session, tools = driver.app.session, replace(driver.app.tools, place=reading, until=reading)
        driver.app.tools = tools
        session.watch = reading_watch  # type: ignore[method-assign, assignment]
        session.log = gate
        await driver.press("home")
        await driver.pilot.press(sign)
        driver.app.screen.query_one(Input).value = text
        await driver.pilot.press("enter")
        assert await asyncio.to_thread(gate.waits.wait, 30)
        await driver.pilot.press("j", "j")
        await driver.pilot.pause(0.5)
        assert driver.position > 1, "keys work"
        assert re.search(r"searching … at position \d of \d+ · Esc stops", driver.footer)
        await driver.pilot.press("escape")
        await driver.pilot.pause()
        assert driver.footer == "stopped"
        gate.is_open.set()
        here = (await driver.press("j")).position
        await driver.pilot.pause(0.3)
        assert driver.position == here, "what was stopped goes nowhere"
        assert "searching" not in driver.footer

    def reading_watch(path: str, log: ReadOnlyLog) -> int:
        return reading(log)

    drive(recorded, story)


def test_screens_tell_details_reasons_and_keys(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        details = (await driver.press("enter")).screen
        assert "plan.action-intended" in details
        assert "request_id" in details
        why = (await driver.press("escape", "w")).screen
        assert "migrate web-01: compute-01 -> compute-05" in why
        assert "not chosen: server" in why
        assert "web-03" not in why
        nothing = (await driver.press("escape", "j", "j", "j", "w")).screen
        assert "No rejected alternative" in nothing
        help_text = (await driver.press("q", "question_mark")).screen
        assert "KEYS AND COMMANDS" in help_text
        for key in KEYS:
            assert key.help in help_text
        await driver.press("down", "up", "escape")
        assert "STATE" in driver.screen

    drive(recorded, story, at=9)


def test_y_copies_what_shows_the_same_in_a_shell(recorded: Recorded) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("y")
        words = driver.app.clipboard.split()
        assert words[:3] == ["vigil", "replay", "show"]
        assert words[3:] == [str(recorded.plan), "--at", "11", "--data", ".vigil/demo"]
        assert UUID((await driver.press("Y")).app.clipboard) in recorded.actions

    drive(recorded, story, at=9)


def test_q_and_its_command_quit(recorded: Recorded) -> None:
    async def quit_by_key(driver: Driver) -> None:
        await driver.press("q")
        assert not driver.app.is_running

    async def quit_by_command(driver: Driver) -> None:
        await driver.pilot.press("colon", "q", "enter")
        assert driver.app._exit

    drive(recorded, quit_by_key)
    drive(recorded, quit_by_command)


def test_the_page_lists_every_key_and_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for key in KEYS:
        assert key.help.split(";")[0] in text, key
    for command, _ in COMMANDS:
        assert f"`{command}`" in text


def test_no_key_fails_on_an_event_whose_state_cannot_be_read(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: Session) -> None:
        raise NoSuchMoment("version 3 cannot be read: unknown field")

    monkeypatch.setattr(Session, "state", unreadable)

    async def story(driver: Driver) -> None:
        for key in KEYS[:-1]:
            await driver.press(key.names.split(",")[0])
        await driver.press("escape", "escape", "escape")
        assert "version 3 cannot be read" in driver.screen

    drive(recorded, story, size=(80, 24))
