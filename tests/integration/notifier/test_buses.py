"""What plain consumers of RabbitMQ and NATS see, also when the broker was away."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from application.ports.notifier import Notification
from infrastructure.messaging import NatsConnectionSettings
from infrastructure.notifier.nats import NatsTransport
from tests.conformance.notifier.consumers import (
    Consumer,
    NatsConsumer,
    RabbitConsumer,
    Receiver,
    nats_server,
)
from tests.integration.notifications.buses import rabbit_url
from tests.integration.notifier.publishing import Notifier, until
from tests.unit.notifier import lives
from tests.world.notifications import composed
from tests.world.world import World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def rabbit() -> Iterator[RabbitConsumer]:
    url = rabbit_url()
    if url is None:
        pytest.skip("no RabbitMQ on localhost:5672, and VIGIL_TEST_RABBITMQ names none")
    with closing(RabbitConsumer(url)) as opened:
        yield opened


def test_a_plain_notification_listener_reads_every_type(
    world: World, rabbit: RabbitConsumer
) -> None:
    lives.every_life(world.log)
    wanted = composed(world.log)
    notifier = Notifier(world, rabbit.transport)
    notifier.start_at(0)
    with notifier.working():
        until(lambda: len(rabbit.messages) == len(wanted), "all arrive")
    expected = [
        (
            one.priority.lower(),
            "infra-optim:host-1",
            one.event_type,
            one.payload,
            {
                "message_id": str(one.message_id),
                "timestamp": one.envelope()["timestamp"],
            },
        )
        for one in wanted
    ]
    # a queue for each priority: order holds within a queue
    for priority in ("info", "warn", "error"):
        assert [one for one in rabbit.messages if one[0] == priority] == [
            one for one in expected if one[0] == priority
        ]


def test_nats_has_a_subject_for_each_type(world: World, tmp_path: Path) -> None:
    lives.every_life(world.log)
    wanted = composed(world.log)
    with nats_server(tmp_path) as server, closing(NatsConsumer(server)) as nats:
        notifier = Notifier(world, nats.transport)
        notifier.start_at(0)
        with notifier.working():
            until(lambda: notifier.position() == world.log.end(), "all events have passed")
        assert nats.stored() == [
            (f"vigil.notifications.{one.event_type}", one.envelope()) for one in wanted
        ]


def test_nats_drops_what_a_killed_notifier_sends_again(world: World, tmp_path: Path) -> None:
    lives.executed(world.log, 1, None)
    wanted = composed(world.log)
    with nats_server(tmp_path) as server, closing(NatsConsumer(server)) as nats:
        for _ in range(2):
            near = NatsTransport(NatsConnectionSettings((server.url,), token=server.token))
            with closing(near):
                near.send(wanted, _never)
        assert nats.received() == [str(one.message_id) for one in wanted]


def test_a_message_that_is_too_large_for_nats_is_refused_alone(
    world: World, tmp_path: Path
) -> None:
    lives.executed(world.log, 1, None)
    small = composed(world.log)[:2]
    large = small[0].__class__(**{**vars(small[0]), "payload": {"text": "x" * 3_000_000}})
    refused: list[Notification] = []
    with nats_server(tmp_path) as server, closing(NatsConsumer(server)) as nats:
        with closing(nats.transport):
            nats.transport.send([large, small[1]], lambda one, _, __: refused.append(one))
        assert refused == [large]
        assert nats.received() == [str(small[1].message_id)]


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        (0.0, "rabbitmq"),
        (0.0, "webhook"),
        pytest.param(60.0, "rabbitmq", marks=[pytest.mark.slow, pytest.mark.timeout(240)]),
    ],
)
def test_a_broker_that_is_away_for_a_while_loses_nothing(
    world: World, request: pytest.FixtureRequest, seconds: float, kind: str
) -> None:
    """Events go on while it is away; afterwards all have arrived, in order."""
    consumer: Consumer = Receiver() if kind == "webhook" else request.getfixturevalue("rabbit")
    notifier = Notifier(world, consumer.transport)
    notifier.start_at(0)
    with notifier.working():
        lives.executed(world.log, 1, None)
        until(lambda: notifier.position() == world.log.end(), "the first plan is sent")
        consumer.cut()
        lives.executed(world.log, 2, None, lives.FAILED)
        until(lambda: notifier.failures > 0, "it notices")
        mended_at = time.monotonic() + seconds
        until(lambda: time.monotonic() >= mended_at, "it stays away", seconds + 30)
        lives.executed(world.log, 3, None)
        stands_at = notifier.position()
        consumer.mend()
        until(lambda: notifier.position() == world.log.end(), "it catches up", 60)
        wanted = [str(one.message_id) for one in composed(world.log)]
        until(lambda: set(consumer.received()) == set(wanted), "all arrive")
    assert stands_at < world.log.end()
    if isinstance(consumer, Receiver):
        consumer.close()
    else:
        errors = [one.priority == "ERROR" for one in composed(world.log)]
        sent = list(dict.fromkeys(consumer.received()))
        for chosen in (True, False):  # a queue each
            own = [one for one, error in zip(wanted, errors, strict=True) if error is chosen]
            assert [one for one in sent if one in own] == own


def _never(one: Notification, attempts: int, error: str) -> None:
    raise AssertionError(f"{one.event_type} was refused {attempts} times: {error}")
