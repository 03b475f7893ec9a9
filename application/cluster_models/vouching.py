"""Keeps models fresh without a collection, by what a listener can prove to have heard."""

from collections.abc import Callable, Mapping
from uuid import UUID

from application.cluster_models.resync import AmendedKind
from application.ports.clock import Clock
from application.ports.collected_models import CollectedModels, Hearing
from domain.cluster.kinds import ModelKind
from domain.kernel.ids import cluster_model_id

MARGIN = 5.0
"""Seconds between a change in the cloud and its notification that are allowed for."""


class Voucher:
    """Makes models as young as what a listener has heard.

    Args:
        kinds: that the listener amends.
        collected: holds the ages of models.
        clock: measures time.
        cloud: name of the cloud in the settings.
        limit: seconds since everything was read for which it vouches.
        is_alone: whether no other listener can hold messages that it has not recorded.
    """

    def __init__(
        self,
        kinds: Mapping[ModelKind, AmendedKind],
        collected: CollectedModels,
        clock: Clock,
        *,
        cloud: str,
        limit: float,
        is_alone: Callable[[], bool],
    ) -> None:
        self._kinds = kinds
        self._collected = collected
        self._clock = clock
        self._ids: Mapping[ModelKind, UUID] = {
            kind: cluster_model_id(cloud, kind) for kind in kinds
        }
        self._limit = limit
        self._is_alone = is_alone
        self._told: dict[ModelKind, float] = {}
        self._alone_since = clock.monotonic() if is_alone() else float("inf")

    def note(self, kind: ModelKind) -> None:
        """A message about a kind of model was recorded."""
        self._told[kind] = self._clock.monotonic()

    def vouch(self, until: float, since: float) -> None:
        """Vouches for the models of which something was ever told.

        Args:
            until: monotonic time until which everything that was sent is recorded.
            since: monotonic time since which nothing is missing.

        Raises:
            StoreUnavailable, EventLogUnavailable: the database cannot be reached.
        """
        now = self._clock.monotonic()
        if not self._is_alone():
            self._alone_since = float("inf")
            return
        self._alone_since = min(self._alone_since, now)
        for kind, amended in self._kinds.items():
            told = self._told.get(kind)
            known = amended.writer.known() if told is not None else None
            if known is None or told is None:
                continue
            base, digest = known
            unbroken = min(now - max(since, self._alone_since), amended.resync.requested_for())
            hearing = Hearing(base, digest, now - until + MARGIN, unbroken, now - told)
            self._collected.vouch(self._ids[kind], hearing, self._limit)
