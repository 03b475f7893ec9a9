"""The options of Vigil's own notifications."""

from pathlib import Path

import pytest

from infrastructure.settings import Settings, SettingsError, load

SECRET = f"whsec_{'A' * 32}"


def loaded(**options: str) -> Settings:
    """Settings with some options; ``__`` stands for a dot."""
    flags = {name.replace("__", "."): text for name, text in options.items()}
    return load(flags=flags, files=()).settings


def test_nothing_is_sent_by_default_nor_without_a_transport() -> None:
    assert not loaded().notifier.is_on
    assert not loaded(DEFAULT__transport_url="rabbit://a:b@c/").notifier.is_on
    assert not loaded(oslo_messaging_notifications__driver="noop").notifier.is_on


def test_a_configuration_file_of_watcher_switches_it_on(tmp_path: Path) -> None:
    path = tmp_path / "watcher.conf"
    path.write_text(
        "[DEFAULT]\ntransport_url = rabbit://a:b@c/\n"
        "[oslo_messaging_notifications]\ndriver = messagingv2\ntopics = one,two\n"
    )
    found = load(files=[path]).settings.notifier
    assert found.is_on
    assert (found.driver, found.topics, found.exchange) == (
        "messagingv2",
        ("one", "two"),
        "watcher",
    )


@pytest.mark.parametrize("text", ["", "off", "OFF"])
def test_an_empty_level_switches_everything_off(tmp_path: Path, text: str) -> None:
    path = tmp_path / "watcher.conf"
    path.write_text(f"[DEFAULT]\nnotification_level = {text}\n[vigil]\nnats_notifications = true\n")
    first = load(files=[path])
    assert not first.settings.notifier.is_on
    child = load(environ=first.environment(), files=())
    assert child.settings.notifier == first.settings.notifier


def test_receivers_reach_child_processes_unchanged() -> None:
    first = load(
        flags={
            "vigil.webhooks": "siem:https://a.example:8443/x?b=1,2 , cmdb:http://b/",
            "vigil.webhook_secrets": f"cmdb:{SECRET},siem:{SECRET}",
        },
        files=(),
    )
    assert first.settings.notifier.webhooks == {
        "siem": "https://a.example:8443/x?b=1,2",
        "cmdb": "http://b/",
    }
    child = load(environ=first.environment(), files=())
    assert child.settings.notifier == first.settings.notifier


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"vigil__webhooks": "https://a/"}, "must be name:URL pairs"),
        ({"vigil__webhooks": "a:ftp://b/"}, "The URL of a must start with http:// or https://."),
        ({"vigil__webhooks": "a:https://u:p@b/"}, "The URL of a must not contain a user"),
        ({"vigil__webhooks": "a:http://b/,a:http://c/"}, "each name once"),
        ({"vigil__webhooks": "a:http://b/"}, "webhook_secrets: must name the same receivers"),
        ({"vigil__webhook_secrets": f"a:{SECRET}"}, "only one of them names a"),
        ({"vigil__webhook_secrets": "a:whsec_c2hvcnQ="}, "The secret of a must be whsec_ and at"),
        ({"oslo_messaging_notifications__driver": "messagingv2"}, "transport_url: must be set"),
        ({"oslo_messaging_notifications__driver": "log"}, "must be one of noop, messaging"),
        ({"DEFAULT__notification_level": "loud"}, "must be one of debug, info, warning, error"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_option_and_the_rule(
    options: dict[str, str], problem: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(**options)
    assert problem in str(refused.value)
    assert SECRET not in str(refused.value)
