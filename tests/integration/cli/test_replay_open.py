"""`vigil replay open`: where it begins, and what it asks of the history."""

from collections.abc import Callable

import pytest

from infrastructure.event_log import SqlEventLog
from interfaces.cli import replay_open
from interfaces.terminal.debugger.app import Debugger
from interfaces.terminal.debugger.searches import Refused
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_AUDIT, SHORT_NAME, ShortHistory

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Debugger], None]], None]:
    """Looks at the debugger instead of showing it."""

    def looking(look: Callable[[Debugger], None]) -> None:
        monkeypatch.setattr(replay_open, "has_terminal", lambda: True)
        monkeypatch.setattr(Debugger, "run", look)

    return looking


def position(app: Debugger) -> int:
    assert app.session.selected is not None
    return app.session.selected.position


def test_it_needs_a_terminal(cli: Cli, story: ShortHistory) -> None:
    assert "needs a terminal; `vigil replay log`" in cli.fails("open")


def test_it_begins_at_the_end_or_where_the_user_says(
    cli: Cli,
    story: ShortHistory,
    event_log: SqlEventLog,
    shown: Callable[[Callable[[Debugger], None]], None],
) -> None:
    seen: list[int] = []
    shown(lambda app: seen.append(position(app)))
    first = event_log.history(SHORT_AUDIT)[0].position
    planned = event_log.history(story.plan)[0].position
    done = event_log.history(story.plan)[4].position  # the first action has succeeded
    for words in (
        (),
        (SHORT_NAME,),
        (str(story.plan)[:8],),
        (str(story.launched),),
        (str(story.actions[0]),),
        (str(story.run),),
    ):
        said = cli.text("open", *words)
        assert said.startswith(f"you were at position {seen[-1]}: vigil replay open {seen[-1]}")
    assert seen[:5] == [story.end, first, planned, story.launched, done]
    assert seen[5] > first
    assert "nobody" in cli.fails("open", "nobody")


def test_conditions_are_those_of_bisect(
    cli: Cli, story: ShortHistory, shown: Callable[[Callable[[Debugger], None]], None]
) -> None:
    def look(app: Debugger) -> None:
        log, until = app.session.log, app.tools.until
        failed = f'plan["{story.plan}"].state == "FAILED"'
        assert until(log, failed, story.launched) == story.end
        assert until(log, f'plan["{story.plan}"].state == "GREEN"', 0) is None
        with pytest.raises(Refused, match=f"already, since position {story.end}"):
            until(log, failed, story.end)
        with pytest.raises(Refused, match="no expression"):
            until(log, "state ==", 0)

    shown(look)
    cli.text("open", str(story.launched))
