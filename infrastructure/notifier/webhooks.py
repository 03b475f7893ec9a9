"""Notifications as signed HTTP requests: CloudEvents 1.0 in JSON, structured mode.

Source: https://github.com/cloudevents/spec (JSON event format, HTTP protocol binding).
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC
from itertools import groupby
from uuid import UUID

import msgspec
import requests
from requests.adapters import HTTPAdapter

from application.ports.clock import Clock
from application.ports.notifier import Notification, Refuse, TransportUnavailable
from infrastructure.notifier.signing import signed

SOURCE = "urn:openstack:infra-optim"
TYPE_PREFIX = "org.openstack.infra-optim"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
CONNECT_TIMEOUT = 5.0
LANES = 8
"""Requests at once to one receiver, each about another object."""
AWAY = frozenset({408, 425, 429, 502, 503, 504})
"""Status codes of a receiver that is away or busy: it gets the request again until it is back."""
REFUSALS = 4
"""Requests of one notification that are answered with another 4xx before it is given up."""


def cloud_event(notification: Notification) -> dict[str, object]:
    """A notification as a CloudEvent. ``sequence`` grows with the order of the log."""
    return {
        "specversion": "1.0",
        "id": str(notification.message_id),
        "source": SOURCE,
        "type": f"{TYPE_PREFIX}.{notification.event_type}",
        "subject": str(notification.about),
        "time": notification.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": f"{notification.position:019d}.{notification.number:07d}",
        "priority": notification.priority.value,
        "data": notification.payload,
    }


@dataclass(frozen=True)
class WebhookEndpoint:
    """A receiver.

    Attributes:
        name: of its stored position.
        url: gets a POST per notification.
        key: with which requests are signed.
        timeout: seconds for a response.
        give_up: seconds after which a notification is given up that gets only errors (5xx).
    """

    name: str
    url: str
    key: bytes = field(repr=False)
    timeout: float = 10.0
    give_up: float = 900.0


@dataclass
class _Trouble:
    """The error answers to a notification, and when the first one came (monotonic)."""

    since: float
    answers: int = 0


class WebhookTransport:
    """Sends notifications to one receiver; those about one object one after the other.

    A receiver that does not answer, or answers that it is busy, gets all of them when it is back.
    A notification that it refuses (4xx), or on which it fails for long (5xx), is given up.

    Args:
        endpoint: the receiver.
        clock: for timestamps and for ``give_up``.
    """

    def __init__(self, endpoint: WebhookEndpoint, clock: Clock) -> None:
        self.name = f"webhook {endpoint.name}"
        self._endpoint = endpoint
        self._clock = clock
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=LANES))
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix=self.name)
        self._lock = threading.Lock()
        self._done: set[UUID] = set()
        """Delivered or given up, while others of the same batch are not."""
        self._troubles: dict[UUID, _Trouble] = {}

    def send(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        """Sends what was not delivered at an earlier attempt.

        Raises:
            TransportUnavailable: some were not delivered.
        """
        lanes = groupby(sorted(notifications, key=_about), key=_about)  # sorting is stable
        works = [self._pool.submit(self._lane, list(lane), refuse) for _, lane in lanes]
        wait(works)
        problems = [problem for work in works if (problem := work.result()) is not None]
        if problems:
            raise TransportUnavailable(f"{self.name}: {problems[0]}")
        self._done.clear()
        self._troubles.clear()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.shutdown()
        self._session.close()

    def _lane(self, lane: Sequence[Notification], refuse: Refuse) -> str | None:
        """Sends notifications about one object; returns the problem that ended it, if any."""
        for notification in lane:
            if notification.message_id in self._done:
                continue
            problem = self._post(notification)
            if problem is not None:
                answers = self._answers_if_over(notification, problem)
                if answers is None:
                    return problem.text
                with self._lock:
                    refuse(notification, answers, problem.text)
            with self._lock:
                self._done.add(notification.message_id)
        return None

    def _post(self, notification: Notification) -> "_Problem | None":
        body = msgspec.json.encode(cloud_event(notification))
        seconds = int(self._clock.now().timestamp())
        headers = signed(self._endpoint.key, str(notification.message_id), seconds, body)
        try:
            with self._session.post(
                self._endpoint.url,
                data=body,
                headers={"content-type": CONTENT_TYPE, **headers},
                timeout=(CONNECT_TIMEOUT, self._endpoint.timeout),
                allow_redirects=False,  # the signature is for this receiver only
                stream=True,  # the body is of no interest
            ) as response:
                status = response.status_code
        except requests.RequestException as error:
            return _Problem(None, type(error).__name__)
        return None if status // 100 == 2 else _Problem(status, f"HTTP status {status}")  # noqa: PLR2004

    def _answers_if_over(self, notification: Notification, problem: "_Problem") -> int | None:
        """The number of errors after which the notification is given up; None: not yet."""
        if problem.status is None or problem.status in AWAY:
            return None
        now = self._clock.monotonic()
        with self._lock:
            trouble = self._troubles.setdefault(notification.message_id, _Trouble(now))
        trouble.answers += 1
        if problem.status < 500:  # noqa: PLR2004 - the receiver refuses it
            return trouble.answers if trouble.answers >= REFUSALS else None
        return trouble.answers if now - trouble.since >= self._endpoint.give_up else None


@dataclass(frozen=True)
class _Problem:
    """Why a request did not succeed. ``status``: of the response, None without one."""

    status: int | None
    text: str


def _about(notification: Notification) -> UUID:
    return notification.about
