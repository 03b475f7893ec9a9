"""Where notifications come from: the options of the original, and what they may be."""

import pytest

from infrastructure.settings import SettingsError, load
from infrastructure.settings.pages import masked

RABBIT = "rabbit://vigil:s3cret@mq-1:5672,vigil:s3cret@mq-2:5672/"


def test_without_a_bus_nothing_is_listened_to() -> None:
    assert load(files=()).settings.notifications.url is None


def test_notifications_come_from_the_bus_of_everything_or_from_one_of_their_own() -> None:
    environ = {"VIGIL_TRANSPORT_URL": RABBIT}
    assert load(environ=environ, files=()).settings.notifications.url == RABBIT
    own = {"oslo_messaging_notifications.transport_url": "rabbit://other:5672/"}
    settings = load(environ=environ, flags=own, files=()).settings
    assert settings.notifications.url == "rabbit://other:5672/"


def test_the_password_of_the_bus_is_not_shown() -> None:
    loaded = load(flags={"DEFAULT.transport_url": RABBIT}, files=())
    shown = [masked(value) for value in loaded.values if value.option.name == "transport_url"]
    assert len(shown) == 2
    assert not any("s3cret" in text for text in shown)


def test_topics_may_name_their_exchange() -> None:
    flags = {"watcher_decision_engine.notification_topics": "nova.versioned, plain"}
    assert load(flags=flags, files=()).settings.notifications.topics == ("nova.versioned", "plain")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"DEFAULT.transport_url": "mq:5672"}, r"\[DEFAULT\] transport_url .*must be a URL"),
        (
            {"DEFAULT.transport_url": "kafka://mq:9092/"},
            r"\[DEFAULT\] transport_url .*kafka:// needs the package confluent-kafka",
        ),
        ({"DEFAULT.transport_url": "amqp://mq:5672/"}, r"\[DEFAULT\] transport_url .*must be"),
        ({"watcher_decision_engine.notification_topics": "nova."}, "notification_topics .*topics"),
        ({"watcher_decision_engine.notification_topics": ","}, "notification_topics .*topics"),
        ({"vigil.notification_interval": "0"}, "notification_interval .*from 0.05 to 60"),
    ],
)
def test_what_cannot_be_is_refused_by_name(flags: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(flags=flags, files=())
