"""Vigil's own: events as they happen (server-sent events, WHATWG HTML section 9.2)."""

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
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.resources.events import AFTER, WHICH, EventQuery
from interfaces.rest.schemas.events import event
from interfaces.rest.services import RestServices
from interfaces.rest.serving.line import ClientConnection

LOG = logging.getLogger("vigil.rest")

QUERY = (AFTER, *WHICH)
LAST = "Last-Event-ID"
CONTENT_TYPE = "text/event-stream"
POLL = 0.25
"""Seconds between two looks for new events."""
BATCH = 100
RETRY = b"retry: 2000\n\n"
BEAT = b": nothing new\n\n"


class EventStreamResource(BaseResource):
    """``/v1/events/stream``. Each stream holds a thread of its worker, so they are few."""

    def __init__(self, api: RestServices) -> None:
        super().__init__(api)
        self._places = threading.BoundedSemaphore(max(1, api.settings.streams))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Events behind a position, then those that happen, until one side hangs up."""
        given = media.query(req, (one.name for one in QUERY))
        wanted = EventQuery.of(given)
        last = req.get_header(LAST)
        after = parameters.whole(given, "after", -1)
        if last is not None:
            after = parameters.number(LAST, last)
        call_of(req).authorize()
        if after < 0:
            after = self.api.history.end()
        line = ClientConnection(
            req.env.get("gunicorn.socket"),
            req.remote_addr,
            self.api.clock,
            self.api.settings.stream_patience,
        )
        if not self._places.acquire(blocking=False):
            raise TooManyStreams(
                f"This process serves {self.api.settings.streams} event streams already."
            )
        resp.content_type = CONTENT_TYPE
        resp.set_header("X-Accel-Buffering", "no")
        resp.stream = _Stream(self.api, wanted, after, self._places, line)


class _Stream:
    """The chunks of one stream. The server closes it, whichever way it ends."""

    def __init__(
        self,
        api: RestServices,
        wanted: EventQuery,
        after: int,
        places: threading.BoundedSemaphore,
        line: ClientConnection,
    ) -> None:
        self._api = api
        self._line = line
        self._places = places
        self._open = True
        self._reading = False
        self._chunks = self._read(wanted, after)
        api.traffic.streaming(1)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._reading = True
        chunk = next(self._chunks, b"")
        self._reading = False
        if not chunk:
            raise StopIteration
        self._line.wrote(len(chunk))
        return chunk

    def close(self) -> None:
        """Makes room for the next one.

        Raises:
            BrokenPipeError: in the place of the TimeoutError with which the server's write ended.
        """
        if not self._open:
            return
        self._open = False
        self._places.release()
        self._api.traffic.streaming(-1)
        if not self._reading and isinstance(sys.exc_info()[1], TimeoutError):
            self._cut()

    def _cut(self) -> NoReturn:
        """Gives up a client that takes nothing: for the server, as if it had hung up."""
        LOG.warning(
            "an event stream is cut: for %s s its client, %s, took nothing of what was written; "
            "it may come again",
            self._line.patience,
            self._line.peer,
        )
        self._line.cut()
        raise BrokenPipeError(errno.EPIPE, "the client of an event stream takes nothing")

    def _read(self, wanted: EventQuery, after: int) -> Iterator[bytes]:
        clock, settings = self._api.clock, self._api.settings
        end = clock.monotonic() + settings.stream_seconds
        silent = _Silence(clock, settings.heartbeat)
        yield RETRY
        while not (self._api.stopping() or self._line.hung_up()):
            if self._line.stands_still():
                self._cut()
            try:
                rows, after, more = self._behind(wanted, after)
            except StoreUnavailable as outage:
                LOG.warning("an event stream ends, its client will come again: %s", outage)
                return
            if rows:
                yield b"".join(map(_chunk, rows))
                silent.broken()
            if more:
                continue
            if clock.monotonic() >= end:
                return
            if silent.too_long():
                yield BEAT
                silent.broken()
            clock.sleep(POLL)

    def _behind(self, wanted: EventQuery, after: int) -> tuple[list[TimelineView], int, bool]:
        """What is wanted behind a position, where to look next, and whether there may be more now.

        What was looked at once is not looked at again, however rarely anything is wanted.
        """
        reads = self._api.reads
        newest = reads.timeline(limit=1, newest_first=True)
        if not newest or newest[0].position <= after:
            return [], after, False
        rows = wanted.behind(reads, after, BATCH)
        if len(rows) == BATCH:
            return rows, rows[-1].position, True
        seen = rows[-1].position if rows else after
        return rows, max(seen, newest[0].position), False


class _Silence:
    """How long nothing was sent."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._limit = limit
        self._since = clock.monotonic()

    def too_long(self) -> bool:
        """Whether the client, or a proxy, might think that the line is dead."""
        return self._clock.monotonic() - self._since >= self._limit

    def broken(self) -> None:
        """Something was sent."""
        self._since = self._clock.monotonic()


def _chunk(row: TimelineView) -> bytes:
    data = media.encoded(event(row)).decode()
    return f"id: {row.position}\nevent: {row.topic}\ndata: {data}\n\n".encode()
