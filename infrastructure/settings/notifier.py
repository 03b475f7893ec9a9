"""Vigil's own notifications: which are sent, and the transports that carry them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oslo_config import types

from infrastructure.notifier.signing import InvalidSecret, secret_key
from infrastructure.settings.option_types import BOOLEAN, Choice, Float, RuleBroken, text
from infrastructure.settings.options import option

NOOP = "noop"
OFF = "off"


class Level(Choice):
    """A level; an empty text is ``off``."""

    accepts_empty = True

    def __init__(self) -> None:
        super().__init__("debug", "info", "warning", "error", "critical", OFF)

    def __call__(self, value: Any) -> str:
        """Returns the level."""
        return super().__call__(value or OFF)


class NamedTexts(ABC):
    """Receivers' names, each with a text."""

    type_name: str

    def __call__(self, value: Any) -> dict[str, str]:
        """Returns name → text."""
        found: dict[str, str] = {}
        for pair in filter(str.strip, re.split(r",\s*(?=[\w-]+\s*:)", value)):
            match = re.fullmatch(r"\s*([\w-]+)\s*:\s*(\S+)\s*", pair)
            if match is None or match[1] in found:
                raise ValueError(value)
            self.check(*match.groups())
            found[match[1]] = match[2]
        return found

    @abstractmethod
    def check(self, name: str, text: str) -> None:
        """Raises RuleBroken if a text does not do."""


class WebhookUrls(NamedTexts):
    """The URLs of receivers."""

    type_name = "name:URL pairs separated by commas, each name once"

    def check(self, name: str, text: str) -> None:
        """Raises RuleBroken if a text is no URL of a receiver."""
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RuleBroken(f"The URL of {name} must start with http:// or https://.")
        if parts.username is not None:
            raise RuleBroken(f"The URL of {name} must not contain a user: requests are signed.")


class WebhookSecrets(NamedTexts):
    """The secrets of receivers."""

    type_name = "name:secret pairs separated by commas, each name once"

    def check(self, name: str, text: str) -> None:
        """Raises RuleBroken if a text is no secret."""
        try:
            secret_key(text)
        except InvalidSecret as wrong:
            raise RuleBroken(f"The secret of {name} {wrong}.") from wrong


@dataclass(frozen=True)
class NotifierSettings:
    """Vigil's own notifications (docs/notifications.md)."""

    level: str = option(
        "DEFAULT.notification_level",
        Level(),
        "info",
        "Lowest priority of the notifications that Vigil sends. Empty or off: it sends none. "
        "Without a transport it sends none either.",
    )
    driver: str = option(
        "oslo_messaging_notifications.driver",
        Choice(NOOP, "messaging", "messagingv2"),
        NOOP,
        "messagingv2: Vigil's notifications go to the message bus, in format 2.0 of "
        "oslo.messaging; messaging: in format 1.0; noop: not there.",
    )
    topics: tuple[str, ...] = option(
        "oslo_messaging_notifications.topics",
        types.List(types.String(), type_name="topics separated by commas", min_length=1),
        ("notifications",),
        "The topics to which Vigil's notifications go on the message bus.",
    )
    exchange: str = option(
        "DEFAULT.control_exchange",
        text("the name of an exchange"),
        "watcher",
        "The exchange to which Vigil's notifications go on the message bus.",
    )
    nats: bool = option(
        "vigil.nats_notifications",
        BOOLEAN,
        default=False,
        help="Whether Vigil's notifications go to a JetStream stream of the NATS server.",
    )
    webhooks: Mapping[str, str] = option(
        "vigil.webhooks",
        WebhookUrls(),
        {},
        "Receivers of Vigil's notifications over HTTP: a name and a URL each. The position of a "
        "receiver is stored under its name.",
    )
    secrets: Mapping[str, str] = option(
        "vigil.webhook_secrets",
        WebhookSecrets(),
        {},
        "The secret of each receiver, with which its requests are signed: whsec_ and at least 24 "
        "random bytes in base64.",
        secret=True,
    )
    webhook_timeout: float = option(
        "vigil.webhook_timeout",
        Float(0.1, 60.0),
        10.0,
        "Seconds that a receiver may take to answer a request.",
    )
    webhook_give_up: float = option(
        "vigil.webhook_give_up",
        Float(0.0),
        900.0,
        "Seconds after which a notification is given up to which its receiver answers with errors "
        "(5xx, but not 502, 503, 504).",
    )

    @property
    def uses_bus(self) -> bool:
        """Whether notifications go to the message bus."""
        return self.driver != NOOP

    @property
    def is_on(self) -> bool:
        """Whether notifications are sent."""
        return self.level != OFF and bool(self.uses_bus or self.nats or self.webhooks)
