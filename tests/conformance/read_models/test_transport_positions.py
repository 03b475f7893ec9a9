import pytest

from infrastructure.read_models import SqlTransportPositions
from tests.world.world import World


@pytest.fixture
def positions(world: World) -> SqlTransportPositions:
    return SqlTransportPositions(world.views_engine)


def test_the_first_position_stays(positions: SqlTransportPositions) -> None:
    assert positions.find("nats") is None
    positions.create("nats", 7, "a")
    positions.create("nats", 9, "b")
    found = positions.find("nats")
    assert found is not None
    assert (found.position, found.holder) == (7, "a")
    assert positions.rows() == [found]


def test_the_holder_moves_the_position_from_where_it_is(positions: SqlTransportPositions) -> None:
    positions.create("nats", 7, "a")
    positions.create("messaging", 7, "a")
    assert positions.advance("nats", "a", 7, 9)
    assert not positions.advance("nats", "a", 7, 8), "it is not there any more"
    assert not positions.advance("nats", "b", 9, 10), "another one holds it"
    assert not positions.advance("webhook x", "a", 0, 1), "there is none"
    assert [(one.transport, one.position) for one in positions.rows()] == [
        ("messaging", 7),
        ("nats", 9),
    ]


def test_of_two_successors_one_gets_the_claim(positions: SqlTransportPositions) -> None:
    positions.create("nats", 7, "a")
    assert positions.claim("nats", "b", "a")
    assert not positions.claim("nats", "c", "a")
    assert positions.advance("nats", "b", 7, 8)
    assert not positions.advance("nats", "a", 8, 9)


def test_a_position_that_is_removed_is_gone(positions: SqlTransportPositions) -> None:
    positions.create("nats", 7, "a")
    assert positions.remove("nats")
    assert not positions.remove("nats")
    assert positions.rows() == []
