"""Changes that a collection found although notifications should have reported them.

They show that somebody's notifications do not arrive: that Nova sends none, or not from every cell.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel

SHOWN = 5
"""Maximum number of ids that are returned."""


class _Seen(NamedTuple):
    """Where a resource is and its state; when its record changed (0: unknown)."""

    place: Hashable
    state: str
    updated: float


def untold_servers(before: ComputeModel, after: ComputeModel, since: float) -> Sequence[str]:
    """Ids of servers that were added, removed or moved, or have another state.

    Args:
        before: what was known, with all that was told.
        after: what was found.
        since: seconds since the epoch. A change of a record after that may still be on its way.
    """
    return _untold(_servers(before), _servers(after), since)


def untold_volumes(before: StorageModel, after: StorageModel, since: float) -> Sequence[str]:
    """Ids of volumes that were added, removed or moved. Cinder does not show when."""
    return _untold(_volumes(before), _volumes(after), since)


def _untold(before: Mapping[str, _Seen], after: Mapping[str, _Seen], since: float) -> Sequence[str]:
    found = (
        identity
        for identity in sorted(before.keys() | after.keys())
        if _differ(before.get(identity), after.get(identity), since)
    )
    return [identity for identity, _ in zip(found, range(SHOWN), strict=False)]


def _differ(before: _Seen | None, after: _Seen | None, since: float) -> bool:
    if before is not None and after is not None and before[:2] == after[:2]:
        return False
    return all(one is None or one.updated < since for one in (before, after))


def _servers(model: ComputeModel) -> Mapping[str, _Seen]:
    return {
        **dict(_server_rows(model.servers, model.hosts.name)),
        **dict(_server_rows(model.unplaced, None)),
    }


def _server_rows(rows: ServerColumns, places: Sequence[str] | None) -> Iterator[tuple[str, _Seen]]:
    for row, identity in enumerate(rows.id):
        place = None if places is None else places[int(rows.host[row])]
        yield identity, _Seen(place, str(rows.state[row]), float(rows.updated_at[row] or 0))


def _volumes(model: StorageModel) -> Mapping[str, _Seen]:
    return {
        **dict(_volume_rows(model.volumes, model.pools.name)),
        **dict(_volume_rows(model.unplaced, None)),
    }


def _volume_rows(rows: VolumeColumns, places: Sequence[str] | None) -> Iterator[tuple[str, _Seen]]:
    for row, identity in enumerate(rows.id):
        place = None if places is None else places[int(rows.pool[row])]
        yield identity, _Seen(place, "", 0.0)
