"""The lines of the log that say how an aggregate ended, whichever process ended it."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from domain.kernel.aggregate import Aggregate

log = logging.getLogger(__name__)


@contextmanager
def endings_logged(aggregates: Iterable[Aggregate]) -> Iterator[None]:
    """Logs the pending events that end an aggregate, if the block saves them."""
    ends = [
        (aggregate, event)
        for aggregate in aggregates
        for event in aggregate.pending_events
        if getattr(event, "ENDS", False)
    ]
    yield
    for aggregate, event in ends:
        what, _, how = str(vars(type(event))["TOPIC"]).partition(".")
        because = getattr(event, "because", None)
        log.info("%s %s %s%s", what, aggregate.id, how, f": {because}" if because else "")
