from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from infrastructure.read_models import SqlPoisonBoard, open_engine, upgrade, views_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    views = views_url(database_url)
    upgrade(views)
    engine = open_engine(views)
    yield engine
    engine.dispose()


def test_messages_that_were_given_up_are_shown_newest_first(engine: Engine) -> None:
    board = SqlPoisonBoard(engine)
    board.put("vigil-applier", "vigil.events.plan.launched", 7, deliveries=1, error="not JSON")
    board.put("vigil-applier", "vigil.events.plan.launched", 9, deliveries=20, error="boom")
    assert [(one.sequence, one.error) for one in board.rows()] == [(9, "boom"), (7, "not JSON")]
    assert [one.sequence for one in board.rows(limit=1)] == [9]


def test_a_message_given_up_again_is_one_row_with_the_latest_word(engine: Engine) -> None:
    board = SqlPoisonBoard(engine)
    board.put("a", "s", 1, deliveries=1, error="first")
    board.put("a", "s", 1, deliveries=2, error="second")
    board.put("b", "s", 1, deliveries=1, error="other consumer")
    assert sorted((one.consumer, one.deliveries) for one in board.rows()) == [("a", 2), ("b", 1)]


def test_the_messages_of_one_consumer_can_be_listed_and_deleted(engine: Engine) -> None:
    board = SqlPoisonBoard(engine)
    for consumer, sequence in (("a", 1), ("a", 2), ("b", 1)):
        board.put(consumer, "s", sequence, deliveries=1, error="x")
    assert sorted(one.sequence for one in board.rows(consumer="a")) == [1, 2]
    board.remove("a", 1)
    board.remove("a", 7)
    assert sorted((one.consumer, one.sequence) for one in board.rows()) == [("a", 2), ("b", 1)]
