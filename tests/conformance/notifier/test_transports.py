"""What every transport of notifications promises, with a real consumer behind each of them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from application.ports.notifier import Notification, TransportUnavailable
from tests.conformance.notifier.consumers import (
    Consumer,
    NatsConsumer,
    RabbitConsumer,
    Receiver,
    ReferenceConsumer,
    nats_server,
)
from tests.integration.notifications.buses import rabbit_url
from tests.integration.notifier.publishing import until
from tests.unit.notifier import lives
from tests.world.notifications import composed
from tests.world.world import World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(params=["reference", "rabbitmq", "nats", "webhook"])
def consumer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Consumer]:
    if request.param == "reference":
        yield ReferenceConsumer()
    elif request.param == "rabbitmq":
        url = rabbit_url()
        if url is None:
            pytest.skip("no RabbitMQ on localhost:5672, and VIGIL_TEST_RABBITMQ names none")
        with closing(RabbitConsumer(url)) as rabbit, closing(rabbit.transport):
            yield rabbit
    elif request.param == "nats":
        with (
            nats_server(tmp_path) as server,
            closing(NatsConsumer(server)) as nats,
            closing(nats.transport),
        ):
            yield nats
    else:
        with closing(Receiver()) as receiver, closing(receiver.transport):
            yield receiver


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Notification]:
    """Notifications of every type."""
    with World(tmp_path_factory.mktemp("log")) as world:
        lives.every_life(world.log)
        return composed(world.log)


def never(one: Notification, attempts: int, error: str) -> None:
    """For consumers that refuse nothing."""
    raise AssertionError(f"{one.event_type} was refused {attempts} times: {error}")


def in_order(sent: list[Notification], received: list[str]) -> bool:
    """Whether the first receptions of all are in order, object by object."""
    first = list(dict.fromkeys(received))
    return len(first) == len(sent) and all(
        [one for one in first if one in own] == own
        for about in {one.about for one in sent}
        for own in [[str(one.message_id) for one in sent if one.about == about]]
    )


def test_all_arrive_in_the_order_of_their_objects(
    consumer: Consumer, sent: list[Notification]
) -> None:
    for start in range(0, len(sent), 40):
        consumer.transport.send(sent[start : start + 40], never)
    until(lambda: len(consumer.received()) >= len(sent), "all arrive")
    assert len(consumer.received()) == len(sent)
    assert in_order(sent, consumer.received())


def test_an_outage_is_reported_and_what_is_sent_again_arrives(
    consumer: Consumer, sent: list[Notification]
) -> None:
    first, second, third = sent[:10], sent[10:20], sent[20:30]
    consumer.transport.send(first, never)
    consumer.cut()
    for _ in range(2):
        with pytest.raises(TransportUnavailable):
            consumer.transport.send(second, never)
    consumer.mend()
    consumer.transport.send(second, never)
    consumer.transport.send(third, never)
    until(lambda: len(set(consumer.received())) == 30, "all arrive")
    assert in_order(sent[:30], consumer.received())


def test_one_that_is_sent_twice_has_the_same_id(
    consumer: Consumer, sent: list[Notification]
) -> None:
    consumer.transport.send(sent[:1], never)
    consumer.transport.send(sent[:2], never)
    until(lambda: len(set(consumer.received())) == 2, "both arrive")
    assert in_order(sent[:2], consumer.received())


def test_a_consumer_that_is_away_from_the_start_is_reported(
    consumer: Consumer, sent: list[Notification]
) -> None:
    consumer.cut()
    with pytest.raises(TransportUnavailable):
        consumer.transport.send(sent[:1], never)
    consumer.mend()
    consumer.transport.send(sent[:1], never)
    until(lambda: consumer.received() == [str(sent[0].message_id)], "it arrives")
