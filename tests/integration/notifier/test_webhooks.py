"""Webhooks: signed CloudEvents; a receiver that fails in one way or another."""

import re
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from application.ports.notifier import Notification, TransportUnavailable
from infrastructure.notifier.signing import InvalidSecret, secret_key
from infrastructure.notifier.webhooks import REFUSALS
from tests.clocks import SkippingClock
from tests.conformance.notifier.consumers import SECRET, Receiver
from tests.unit.notifier import lives
from tests.world.notifications import composed
from tests.world.world import World

GIVE_UP = 60.0
Refused = list[tuple[str, int, str]]


@pytest.fixture
def clock() -> SkippingClock:
    """Its monotonic time passes only by sleeping."""
    return SkippingClock()


@pytest.fixture
def receiver(clock: SkippingClock) -> Iterator[Receiver]:
    with closing(Receiver(clock, give_up=GIVE_UP)) as opened, closing(opened.transport):
        yield opened


@pytest.fixture
def sent(world: World) -> list[Notification]:
    """Notifications about an audit, its plan and two actions."""
    lives.executed(world.log, 1, None, lives.FAILED)
    return composed(world.log)


def attempt(receiver: Receiver, sent: list[Notification], refused: Refused) -> bool:
    """Sends; returns whether everything was delivered or refused."""

    def refuse(one: Notification, attempts: int, error: str) -> None:
        refused.append((one.event_type, attempts, error))

    try:
        receiver.transport.send(sent, refuse)
    except TransportUnavailable:
        return False
    return True


def test_requests_are_cloud_events_that_the_specifications_libraries_accept(
    receiver: Receiver, sent: list[Notification]
) -> None:
    assert attempt(receiver, sent, [])
    webhook = import_module("standardwebhooks").Webhook(SECRET)
    events = import_module("cloudevents.v1.http")
    by_id = {str(one.message_id): one for one in sent}
    for headers, body in receiver.requests:
        webhook.verify(body, headers)
        event = events.from_http(headers, body)
        attributes, one = event.get_attributes(), by_id[event["id"]]
        assert event.get_data() == one.payload
        assert attributes["type"] == f"org.openstack.infra-optim.{one.event_type}"
        assert attributes["subject"] == str(one.about)
        assert attributes["time"] == one.at.isoformat().replace("+00:00", "Z")
        assert attributes["priority"] == one.priority
        assert headers["webhook-id"] == event["id"]


def test_a_changed_body_or_another_secret_does_not_verify(
    receiver: Receiver, sent: list[Notification]
) -> None:
    assert attempt(receiver, sent[:1], [])
    library: Any = import_module("standardwebhooks")
    ((headers, body),) = receiver.requests
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(SECRET).verify(body.replace(b"PENDING", b"ONGOING"), headers)
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook("whsec_" + "A" * 32).verify(body, headers)


def test_the_function_of_the_documentation_verifies_requests(
    receiver: Receiver, sent: list[Notification]
) -> None:
    page = (Path(__file__).parents[3] / "docs/notifications.md").read_text(encoding="utf-8")
    (snippet,) = [
        one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "hmac" in one
    ]
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - the page's own code
    assert attempt(receiver, sent[:1], [])
    ((headers, body),) = receiver.requests
    assert names["verify"](SECRET, headers, body)
    assert not names["verify"](SECRET, headers, body + b" ")
    assert not names["verify"](SECRET, headers | {"webhook-timestamp": "1"}, body)


def test_the_sequence_of_events_grows_with_the_log(
    receiver: Receiver, sent: list[Notification]
) -> None:
    assert attempt(receiver, sent, [])
    by_sequence = sorted(receiver.events(), key=lambda event: str(event["sequence"]))
    assert [event["id"] for event in by_sequence] == [str(one.message_id) for one in sent]


@pytest.mark.parametrize("status", [503, 429])
def test_a_receiver_that_is_away_or_busy_gets_everything_later(
    receiver: Receiver, clock: SkippingClock, sent: list[Notification], status: int
) -> None:
    receiver.answer = lambda _: status
    refused: Refused = []
    for _ in range(REFUSALS + 1):
        assert not attempt(receiver, sent[:1], refused)
        clock.sleep(GIVE_UP)
    receiver.answer = lambda _: 204
    assert attempt(receiver, sent, refused)
    assert refused == []
    assert len(receiver.received()) == len(sent)


def test_a_notification_that_is_refused_again_and_again_is_given_up_alone(
    receiver: Receiver, sent: list[Notification]
) -> None:
    bad = next(one for one in sent if one.event_type == "action.create")
    receiver.answer = lambda event: 400 if event["id"] == str(bad.message_id) else 200
    refused: Refused = []
    for _ in range(REFUSALS - 1):
        assert not attempt(receiver, sent, refused)
    assert refused == []
    assert attempt(receiver, sent, refused)
    assert refused == [("action.create", REFUSALS, "HTTP status 400")]
    assert len(receiver.received()) == len(sent) - 1
    assert receiver.asked.count(str(bad.message_id)) == REFUSALS


def test_a_notification_on_which_the_receiver_fails_is_given_up_after_a_time(
    receiver: Receiver, clock: SkippingClock, sent: list[Notification]
) -> None:
    bad = sent[0]
    receiver.answer = lambda event: 500 if event["id"] == str(bad.message_id) else 200
    refused: Refused = []
    assert not attempt(receiver, sent, refused)
    clock.sleep(GIVE_UP / 2)
    assert not attempt(receiver, sent, refused)
    clock.sleep(GIVE_UP / 2)
    assert attempt(receiver, sent, refused)
    assert refused == [("audit.create", 3, "HTTP status 500")]


def test_the_time_until_it_is_given_up_does_not_count_while_the_receiver_is_away(
    receiver: Receiver, clock: SkippingClock, sent: list[Notification]
) -> None:
    refused: Refused = []
    receiver.cut()
    assert not attempt(receiver, sent[:1], refused)
    receiver.mend()
    clock.sleep(2 * GIVE_UP)
    receiver.answer = lambda _: 500
    assert not attempt(receiver, sent[:1], refused)
    assert refused == []


def test_what_was_delivered_is_not_sent_again_while_others_wait(
    receiver: Receiver, sent: list[Notification]
) -> None:
    """Else a receiver gets the whole batch once more at each attempt to deliver the rest."""
    bad = next(one for one in sent if one.event_type == "action.create")
    receiver.answer = lambda event: 503 if event["id"] == str(bad.message_id) else 200
    assert not attempt(receiver, sent, [])
    others = [one for one in sent if one.about != bad.about]
    assert set(receiver.received()) == {str(one.message_id) for one in others}
    assert not attempt(receiver, sent, [])
    receiver.answer = lambda _: 200
    assert attempt(receiver, sent, [])
    assert len(receiver.received()) == len(set(receiver.received())) == len(sent)


def test_a_redirect_is_not_followed(receiver: Receiver, sent: list[Notification]) -> None:
    receiver.answer = lambda _: 307
    refused: Refused = []
    for _ in range(REFUSALS):
        attempt(receiver, sent[:1], refused)
    assert refused == [("audit.create", REFUSALS, "HTTP status 307")]


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "A" * 32, "whsec_!!!!"])
def test_a_secret_that_is_too_short_or_no_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidSecret):
        secret_key(text)
