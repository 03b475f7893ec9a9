from dataclasses import replace

import pytest

from application.ports.cloud import CLOUD_UNREACHABLE
from application.ports.progress import Progress, ProgressBoard
from domain.kernel.reasons import Cause
from infrastructure.read_models import SqlProgressBoard, upgrade
from tests.given import context, ident
from tests.world.boards import ReferenceProgressBoard
from tests.world.world import World


class ProgressBoardConformance:
    """What every board does; a subclass has the fixture ``board``."""

    def test_the_latest_progress_of_each_action_is_known(self, board: ProgressBoard) -> None:
        because = Cause(CLOUD_UNREACHABLE, {"error": "no route"})
        first = Progress(ident(1), 10.5, "memory copied", context(1).at, copied=2**33)
        second = Progress(ident(2), None, "waiting", context(1).at, because)
        board.put(first)
        board.put(second)
        first = replace(first, unchanged_since=first.updated_at)
        assert board.of([ident(1), ident(2), ident(3)]) == {ident(1): first, ident(2): second}
        later = Progress(ident(1), 90.0, "memory copied", context(2).at)
        board.put(later)
        assert board.of([ident(1)]) == {ident(1): replace(later, unchanged_since=later.updated_at)}
        assert board.of([]) == {}

    def test_a_late_report_does_not_overwrite_a_newer_one(self, board: ProgressBoard) -> None:
        newer = Progress(ident(1), 90.0, "nearly there", context(9).at)
        board.put(newer)
        board.put(Progress(ident(1), 10.0, "just begun", context(1).at))
        assert board.of([ident(1)]) == {ident(1): replace(newer, unchanged_since=newer.updated_at)}

    def test_since_when_an_action_makes_no_progress_is_known(self, board: ProgressBoard) -> None:
        """A migration that copied nothing for an hour was shown as if it went on."""
        stuck = Progress(ident(1), 40.0, "copying", context(1).at, copied=5)
        board.put(stuck)
        board.put(replace(stuck, detail="still copying", updated_at=context(60).at))
        (shown,) = board.of([ident(1)]).values()
        assert (shown.unchanged_since, shown.updated_at) == (context(1).at, context(60).at)
        board.put(replace(stuck, copied=6, updated_at=context(61).at))
        (moved,) = board.of([ident(1)]).values()
        assert moved.unchanged_since == context(61).at


class TestSqlProgressBoard(ProgressBoardConformance):
    @pytest.fixture
    def board(self, world: World) -> ProgressBoard:
        return SqlProgressBoard(world.views_engine)


def test_an_older_database_gets_the_columns_that_it_lacks(world: World) -> None:
    """Its progress could be neither written nor read after an upgrade of Vigil."""
    with world.views_engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE progress DROP COLUMN copied")
    upgrade(world.views_url)
    board = SqlProgressBoard(world.views_engine)
    board.put(Progress(ident(1), 10.5, "memory copied", context(1).at, copied=2**33))
    assert board.of([ident(1)])[ident(1)].copied == 2**33


class TestReferenceProgressBoard(ProgressBoardConformance):
    @pytest.fixture
    def board(self) -> ProgressBoard:
        return ReferenceProgressBoard()
