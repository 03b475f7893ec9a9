"""Events as they happen (server-sent events, WHATWG HTML section 9.2)."""

import errno
import logging
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

import falcon

from application.ports.clock import Clock
from application.ports.projections import StoreUnavailable
from application.ports.read_models import TimelineView
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of
from interfaces.rest.errors import TooManyStreams
from interfaces.rest.event_query import STREAM, EventQuery
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas.events import event
from interfaces.rest.services import RestServices
from interfaces.rest.serving.client_connection import ClientConnection

LOG = logging.getLogger("vigil.rest")

LAST_EVENT = "Last-Event-ID"
CONTENT_TYPE = "text/event-stream"
POLL = 0.25
"""Seconds between two queries for new events."""
BATCH = 100
RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": nothing new\n\n"


class EventStreamResource(BaseResource):
    """``/v1/events/stream``. Streams are limited: each occupies a thread of its worker."""

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._slots = threading.BoundedSemaphore(max(1, api.settings.streams))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events after a position, then new ones, until the client or the server ends it."""
        given = media.query(req, STREAM)
        selection = EventQuery.of(given)
        last = req.get_header(LAST_EVENT)
        after = parameters.whole(given, "after", -1)
        if last is not None:
            after = parameters.number(LAST_EVENT, last)
        call_of(req).authorize()
        if after < 0:
            after = self.api.history.end()
        connection = ClientConnection(
            req.env.get("gunicorn.socket"),
            req.remote_addr,
            self.api.clock,
            self.api.settings.stream_timeout,
        )
        if not self._slots.acquire(blocking=False):
            raise TooManyStreams(
                f"This process already serves {self.api.settings.streams} event streams."
            )
        resp.content_type = CONTENT_TYPE
        resp.set_header("X-Accel-Buffering", "no")
        resp.stream = _Stream(self.api, selection, after, self._slots, connection)


class _Stream:
    """The chunks of one stream. The server closes it in every case."""

    def __init__(
        self,
        api: RestServices,
        selection: EventQuery,
        after: int,
        slots: threading.BoundedSemaphore,
        connection: ClientConnection,
    ) -> None:
        self._api = api
        self._connection = connection
        self._slots = slots
        self._is_open = True
        self._is_reading = False
        self._chunks = self._read(selection, after)
        api.traffic.change_streams(1)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._is_reading = True
        chunk = next(self._chunks, b"")
        self._is_reading = False
        if not chunk:
            self._free_slot()  # before the client sees the end: it may reconnect at once
            raise StopIteration
        self._connection.add_written(len(chunk))
        return chunk

    def close(self) -> None:
        """Frees the slot.

        Raises:
            BrokenPipeError: instead of the TimeoutError with which the server's write ended.
        """
        self._free_slot()
        if not self._is_reading and isinstance(sys.exc_info()[1], TimeoutError):
            self._reset()

    def _free_slot(self) -> None:
        if self._is_open:
            self._is_open = False
            self._slots.release()
            self._api.traffic.change_streams(-1)

    def _reset(self) -> NoReturn:
        """Resets the connection of a stalled client; the server handles it like a closed one."""
        LOG.warning(
            "an event stream is cut: its client, %s, has received nothing for %s s; "
            "it may reconnect",
            self._connection.peer,
            self._connection.timeout,
        )
        self._connection.reset()
        raise BrokenPipeError(errno.EPIPE, "the client of an event stream is stalled")

    def _read(self, selection: EventQuery, after: int) -> Iterator[bytes]:
        clock, settings = self._api.clock, self._api.settings
        end = clock.monotonic() + settings.stream_seconds
        heartbeat = _Heartbeat(clock, settings.heartbeat)
        yield RETRY
        while not (self._api.stopping() or self._connection.is_closed()):
            if self._connection.is_stalled():
                self._reset()
            try:
                rows, after, more = self._next(selection, after)
            except StoreUnavailable as outage:
                LOG.warning("an event stream ends, its client will reconnect: %s", outage)
                return
            if rows:
                yield b"".join(map(_chunk, rows))
                heartbeat.restart()
            if more:
                continue
            if clock.monotonic() >= end:
                return
            if heartbeat.is_due():
                yield HEARTBEAT
                heartbeat.restart()
            clock.sleep(POLL)

    def _next(self, selection: EventQuery, after: int) -> tuple[list[TimelineView], int, bool]:
        """Selected events after a position, where to continue, and whether more may exist.

        Skips positions that were searched without a match, so that a rare selection does not read
        the same events again.
        """
        reads = self._api.reads
        newest = reads.timeline(limit=1, newest_first=True)
        if not newest or newest[0].position <= after:
            return [], after, False
        rows = selection.after(reads, after, BATCH)
        if len(rows) == BATCH:
            return rows, rows[-1].position, True
        seen = rows[-1].position if rows else after
        return rows, max(seen, newest[0].position), False


class _Heartbeat:
    """When a comment must be sent, so that no client or proxy drops an idle connection."""

    def __init__(self, clock: Clock, interval: float) -> None:
        self._clock = clock
        self._interval = interval
        self._last_sent = clock.monotonic()

    def is_due(self) -> bool:
        """Whether nothing was sent for the interval."""
        return self._clock.monotonic() - self._last_sent >= self._interval

    def restart(self) -> None:
        """Starts the interval again: something was sent."""
        self._last_sent = self._clock.monotonic()


def _chunk(row: TimelineView) -> bytes:
    data = media.encoded(event(row)).decode()
    return f"id: {row.position}\nevent: {row.topic}\ndata: {data}\n\n".encode()
