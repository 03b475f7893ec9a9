"""The listener on a message bus: each message is recorded, or set aside, or kept by the broker.

Every test runs on the bus inside the process, and on a RabbitMQ if there is one.
"""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.integration.notifications.buses import MEMORY, Bus, Wire, rabbit_url
from tests.integration.notifications.waiting import until
from tests.unit.notifications.captured import SERVER, Body, captured, data

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(params=["memory", "rabbitmq"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    url = MEMORY if request.param == "memory" else rabbit_url()
    if url is None:
        pytest.skip("no RabbitMQ on localhost:5672, and VIGIL_TEST_RABBITMQ names none")
    bus = Bus(url)
    yield bus
    bus.remove()


def created(name: str) -> Body:
    """A message that tells of a new server."""
    body = captured("instance.create.end")[0]
    data(body)["uuid"] = name
    return {**body, "message_id": f"message-{name}"}


def test_what_services_send_is_recorded_and_leaves_the_queue(bus: Bus) -> None:
    with bus.listening():
        bus.notify(*captured())
        until(lambda: bus.counted.total() == len(captured()), "all are read")
    assert SERVER in bus.recorder.servers()
    assert not bus.set_aside
    assert bus.waiting() == 0


def test_messages_wait_for_a_listener_that_is_away(bus: Bus) -> None:
    with bus.listening():
        pass
    bus.notify(created("a"), created("b"))
    until(lambda: bus.waiting() == 2, "they wait")
    with bus.listening():
        until(lambda: bus.recorder.servers() == {"a", "b"}, "they are recorded")


def test_messages_are_recorded_in_batches(bus: Bus) -> None:
    with bus.listening():
        bus.notify(*(created(str(number)) for number in range(50)))
        until(lambda: len(bus.recorder.servers()) == 50, "all are recorded")
    assert bus.recorder.asked < 25


def test_one_bad_message_never_poisons_the_rest(bus: Bus) -> None:
    """In a batch that is refused as a whole it would come back for ever, and the others with it."""
    bad: list[Body] = [
        {**created("bad-1"), "priority": None},
        {**created("bad-2"), "payload": {"nova_object.data": {"uuid": 7}}},
        {**created("bad-3"), "timestamp": "soon"},
        {"message_id": "message-bad-4"},
    ]
    with bus.listening():
        bus.publish(b"{not json")
        bus.publish(b'"text"')
        bus.publish(json.dumps({"oslo.version": "2.0", "oslo.message": "[]"}).encode())
        bus.publish(b"[" * 200_000)  # deeper than a parser can go
        deep = {"oslo.version": "2.0", "oslo.message": "[" * 200_000}
        bus.publish(json.dumps(deep).encode())
        bus.notify(bad[0], created("a"), *bad[1:], created("b"))
        bus.publish(b"\x80\x81", "application/x-python-serialize")
        bus.notify(created("c"))
        until(lambda: bus.recorder.servers() >= {"a", "b", "c"}, "the good ones are recorded")
        until(lambda: bus.waiting() == 0, "nothing is left")
    aside = {message for _, message in bus.set_aside}
    assert aside >= {"message-bad-2", "message-bad-3", "message-bad-4"}
    assert bus.waiting() == 0


def test_a_message_that_cannot_be_recorded_is_set_aside_alone(bus: Bus) -> None:
    bus.recorder.poison = {"bad"}
    with bus.listening():
        bus.notify(created("a"), created("bad"), created("b"))
        until(lambda: bus.recorder.servers() == {"a", "b"}, "the others are recorded")
        until(lambda: bus.waiting() == 0, "nothing is left")
    assert bus.set_aside == [("instance.create.end", "message-bad")]
    # each once, although the batch was read again in halves
    expected = {("instance.create.end", "read"): 2, ("instance.create.end", "set-aside"): 1}
    assert bus.counted == expected


def test_messages_wait_while_the_database_is_away(bus: Bus) -> None:
    bus.recorder.failures = [ConnectionError("away"), ConnectionError("still away")]
    with bus.listening():
        bus.notify(created("a"))
        until(lambda: bus.recorder.servers() == {"a"}, "it is recorded in the end")
    assert bus.recorder.asked == 3
    assert not bus.set_aside
    assert bus.waiting() == 0


def test_what_was_not_recorded_when_the_listener_ends_is_kept_by_the_broker(bus: Bus) -> None:
    bus.recorder.failures = [ConnectionError("away")] * 100
    with bus.listening():
        bus.notify(created("a"), created("b"))
        until(lambda: bus.recorder.asked > 0, "it was tried")
    until(lambda: bus.waiting() >= 2, "they are back in the queue, with heartbeats")
    assert not bus.counted
    bus.recorder.failures = []
    with bus.listening():
        until(lambda: bus.recorder.servers() == {"a", "b"}, "another one records them")
    assert bus.counted == {("instance.create.end", "read"): 2}


@pytest.fixture
def wire() -> Iterator[Wire]:
    url = rabbit_url()
    if url is None:
        pytest.skip("no RabbitMQ on localhost:5672, and VIGIL_TEST_RABBITMQ names none")
    parts = urlsplit(url)
    wire = Wire(parts.hostname or "", parts.port or 5672)
    yield wire
    wire.close()


def test_a_listener_outlives_the_loss_of_its_connection(wire: Wire) -> None:
    url = rabbit_url() or ""
    direct = Bus(url)
    far = Bus(urlsplit(url)._replace(netloc=_through(url, wire)).geturl(), direct.exchange)
    far.pool = direct.pool
    try:
        with far.listening():
            direct.notify(created("a"))
            until(lambda: far.recorder.servers() == {"a"}, "the first is recorded")
            wire.cut()
            direct.notify(created("b"))
            wire.mend()
            until(lambda: far.recorder.servers() == {"a", "b"}, "the second is recorded")
    finally:
        direct.remove()


def test_a_listener_whose_connection_is_lost_is_not_listening_until_it_is_back(wire: Wire) -> None:
    url = rabbit_url() or ""
    bus = Bus(urlsplit(url)._replace(netloc=_through(url, wire)).geturl())
    try:
        with bus.listening() as listener:
            until(listener.is_listening, "it listens")
            wire.cut()
            until(lambda: not listener.is_listening(), "it has noticed")
            wire.mend()
            until(listener.is_listening, "it listens again")
    finally:
        bus.remove()


def test_a_listener_ends_although_the_bus_is_away(wire: Wire) -> None:
    url = rabbit_url() or ""
    bus = Bus(urlsplit(url)._replace(netloc=_through(url, wire)).geturl())
    try:
        with bus.listening():
            wire.cut()  # leaving the block waits for the listener's end
    finally:
        wire.mend()
        bus.remove()


def _through(url: str, wire: Wire) -> str:
    return f"{urlsplit(url).netloc.rpartition('@')[0]}@127.0.0.1:{wire.port}"


def test_two_listeners_share_the_messages(bus: Bus) -> None:
    with bus.listening(size=2), bus.listening(size=2):
        bus.notify(*(created(str(number)) for number in range(20)))
        until(lambda: len(bus.recorder.servers()) == 20, "all are recorded")
    told = [fact.id for one in bus.recorder.told for fact in one.compute.servers]
    assert len(told) == 20  # each by one of them
