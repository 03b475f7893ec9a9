from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine

from application.ports.counters import CounterBoard, EventCount
from infrastructure.read_models import SqlCounterBoard, open_engine, upgrade, views_url
from tests.given import NOON
from tests.world.boards import ReferenceCounterBoard

LATER = NOON + timedelta(seconds=5)


Boards = Callable[[], CounterBoard]
"""Opens the board of a process; all have the same counters."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    views = views_url(database_url)
    upgrade(views)
    engine = open_engine(views)
    yield engine
    engine.dispose()


class CounterBoardConformance:
    """What every board does; a subclass has the fixture ``boards``."""

    def test_what_is_counted_is_added_up_and_the_last_time_is_the_latest(
        self, boards: Boards
    ) -> None:
        board = boards()
        assert board.rows() == []
        board.add([])
        board.add([EventCount("x", "a", "good", 2, LATER), EventCount("x", "a", "bad", 1, NOON)])
        boards().add([EventCount("x", "a", "good", 3, NOON)])
        board.add([EventCount("x", "a", "bad", 1, LATER), EventCount("y", "a", "bad", 7, NOON)])
        assert board.rows() == [
            EventCount("x", "a", "bad", 2, LATER),
            EventCount("x", "a", "good", 5, LATER),
            EventCount("y", "a", "bad", 7, NOON),
        ]

    def test_several_may_add_at_once_in_any_order(self, boards: Boards) -> None:
        board = boards()
        counts = [EventCount("x", name, "good", 1, NOON) for name in "abcdefgh"]
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(board.add, counts[:: 1 - 2 * (n % 2)]) for n in range(40)]:
                done.result(60)
        assert [one.count for one in board.rows()] == [40] * 8


class TestSqlCounterBoard(CounterBoardConformance):
    @pytest.fixture
    def boards(self, engine: Engine) -> Boards:
        return partial(SqlCounterBoard, engine)


class TestReferenceCounterBoard(CounterBoardConformance):
    @pytest.fixture
    def boards(self) -> Boards:
        board = ReferenceCounterBoard()
        return lambda: board
