"""Validates collected storage records: each bad record is quarantined, the others are used."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.cluster.compute.reasons import DUPLICATE_HOST, UNKNOWN_HOST
from domain.cluster.compute.records import QuarantinedRecord, bad_value
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.cluster.table.odd_fields import MOST
from domain.cluster.table.values import UNKNOWN, UnreadableValue, amount, truth
from domain.kernel.reasons import Cause

_AUTO = "auto"
_DEFAULT_OVERSUBSCRIPTION = 20.0
_FIGURES = (
    "total_gb",
    "free_gb",
    "provisioned_gb",
    "allocated_gb",
    "virtual_free_gb",
    "reserved_percent",
)
_FLAGS = ("bootable", "multiattach", "encrypted")


def admit_nodes(
    rows: Iterable[StorageNodeRow],
) -> tuple[list[StorageNodeRow], list[QuarantinedRecord]]:
    """Returns the usable backends in order of host, and the others: hosts that occur twice."""
    everything = list(rows)
    hosts = Counter(row.host for row in everything)
    good = sorted((r for r in everything if hosts[r.host] == 1), key=lambda row: row.host)
    bad = [
        QuarantinedRecord(
            "storage node",
            host,
            Cause(DUPLICATE_HOST, {"host": host, "count": count}),
        )
        for host, count in sorted(hosts.items())
        if count > 1
    ]
    return good, bad


def admit_pools(
    rows: Iterable[PoolRow], backends: Collection[str]
) -> tuple[list[PoolRow], list[QuarantinedRecord]]:
    """Returns the usable pools in order of name, and the others.

    In a usable pool every figure is a number, infinite, or not-a-number if it is unknown; flags are
    bools.

    Args:
        rows: the pools.
        backends: names of known backends, as in the names of pools.
    """
    everything = list(rows)
    names = Counter(row.name for row in everything)
    good: list[PoolRow] = []
    bad: list[QuarantinedRecord] = []
    for row in everything:
        pool = _duplicate(row, names) or admitted(row, backends)
        if isinstance(pool, Cause):
            bad.append(QuarantinedRecord("pool", row.name, pool))
        else:
            good.append(pool)
    good.sort(key=lambda pool: pool.name)
    return good, bad


def node_places(nodes: Sequence[StorageNodeRow]) -> dict[str, int]:
    """Backend name, as in the names of pools → index.

    The pools of services that share a backend have the name of the cluster; they belong to the
    first of its services that is up and enabled.
    """
    usable = [i for i, row in enumerate(nodes) if row.state == "up" and row.status == "enabled"]
    shared: dict[str, int] = {}
    for place in [*usable, *range(len(nodes))]:
        cluster = nodes[place].cluster
        if cluster:
            shared.setdefault(cluster, place)
    return {**shared, **{row.host: place for place, row in enumerate(nodes)}}


def _duplicate(row: PoolRow, names: Counter[str]) -> Cause | None:
    return bad_value("name", row.name, row.name) if names[row.name] > 1 else None


def admitted(row: PoolRow, backends: Collection[str]) -> PoolRow | Cause:
    """The pool with its figures as numbers, or why it is quarantined."""
    if row.backend not in backends:
        return Cause(UNKNOWN_HOST, {"resource": row.name, "host": row.backend})
    figures: dict[str, Any] = {}
    field = ""
    try:
        for field in _FIGURES:
            figures[field] = amount(getattr(row, field))
        if math.isnan(figures["provisioned_gb"]):
            figures["provisioned_gb"] = figures["allocated_gb"]
        field = "oversubscription"
        ratio = _oversubscription(row.oversubscription, figures)
        field = "thin"
        thin = bool(truth(row.thin))
        field = "thick"
        thick = bool(truth(row.thick))
        field = "total_volumes"
        volumes = _number(row.total_volumes)
    except UnreadableValue:
        return bad_value(field, row.name, getattr(row, field))
    if math.isnan(figures["virtual_free_gb"]):
        figures["virtual_free_gb"] = virtual_free(figures, ratio, thin=thin)
    return replace(
        row, total_volumes=volumes, thin=thin, thick=thick, oversubscription=ratio, **figures
    )


def _number(value: object) -> int | None:
    """A number of volumes; None if the backend does not count them."""
    count = amount(value)
    if not math.isfinite(count):
        return None
    if count > MOST:
        raise UnreadableValue
    return int(count)


def _oversubscription(value: object, figures: Mapping[str, float]) -> float:
    """The over-subscription ratio.

    ``auto`` is computed as Cinder does: 1 + provisioned / (used + 1), and 20 if nothing is
    provisioned (Cinder, "Oversubscription in thin provisioning").
    """
    if not (isinstance(value, str) and value.strip().lower() == _AUTO):
        return amount(value)
    if figures["provisioned_gb"] == 0:
        return _DEFAULT_OVERSUBSCRIPTION
    used = max(figures["total_gb"] - figures["free_gb"], 0.0)
    return 1 + figures["provisioned_gb"] / (used + 1) if math.isfinite(used) else UNKNOWN


def virtual_free(figures: Mapping[str, float], ratio: float, *, thin: bool) -> float:
    """Capacity that can still be provisioned, GB; not-a-number if it is unknown.

    Thin: total x ratio - provisioned - reserve; thick: free - reserve; reserve = the whole GB of
    reserved_percent of the total. Never below 0. (Cinder's scheduler: its capacity filter.)
    """
    total, free = figures["total_gb"], figures["free_gb"]
    if math.isinf(free) or math.isinf(total):
        return math.inf
    if math.isnan(total) or math.isnan(free):
        return UNKNOWN
    percent = figures["reserved_percent"]
    reserve = math.floor(total * percent / 100) if math.isfinite(percent) else 0
    left = total * ratio - figures["provisioned_gb"] - reserve if thin else free - reserve
    return left if math.isnan(left) else max(left, 0.0)


def admit_volumes(
    rows: Iterable[VolumeRow], pools: Iterable[str]
) -> tuple[list[VolumeRow], list[VolumeRow], list[QuarantinedRecord]]:
    """Returns volumes in known pools, other volumes, quarantined records; rows in order of id.

    A pool that volumes name and Cinder does not report (its
    backend is down or disabled) is one quarantined record; its volumes are kept, unplaced.
    """
    known = set(pools)
    placed: list[VolumeRow] = []
    unplaced: list[VolumeRow] = []
    bad: list[QuarantinedRecord] = []
    strays: Counter[str] = Counter()
    seen: set[str] = set()
    for row in rows:
        why = _volume_defect(row, seen)
        seen.add(row.id)
        if why is not None:
            bad.append(QuarantinedRecord("volume", row.id, why, row.pool))
        elif row.pool in known:
            placed.append(row)
        else:
            unplaced.append(row)
            if row.pool is not None:
                strays[row.pool] += 1
    placed.sort(key=lambda row: row.id)
    unplaced.sort(key=lambda row: row.id)
    bad.extend(_unreported(pool, count) for pool, count in sorted(strays.items()))
    return placed, unplaced, bad


def _unreported(pool: str, count: int) -> QuarantinedRecord:
    facts: dict[str, object] = {"resource": f"{count} volume(s)", "host": pool}
    return QuarantinedRecord("pool", pool, Cause(UNKNOWN_HOST, facts))


def _volume_defect(row: VolumeRow, seen: set[str]) -> Cause | None:
    if row.id in seen:
        return bad_value("id", row.name or row.id, row.id)
    size = row.size_gb
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST:
        return bad_value("size", row.id, row.size_gb)
    for field in _FLAGS:
        try:
            truth(getattr(row, field))
        except UnreadableValue:
            return bad_value(field, row.id, getattr(row, field))
    return None


def types_by_host(
    nodes: Sequence[StorageNodeRow],
    pools: Iterable[PoolRow],
    places: Mapping[str, int],
    types: Iterable[VolumeTypeRow],
) -> dict[str, tuple[str, ...]]:
    """Names of the volume types that belong to each backend.

    A type belongs to the backends with the name it requests: the part of ``host@backend`` after
    ``@``, or the name that one of its pools reports. A type that requests none belongs to none.

    Args:
        nodes: the backends.
        pools: their pools.
        places: name of a backend as pools carry it → index.
        types: the volume types.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for kind in types:
        if kind.backend_name:
            wanted[kind.backend_name].append(kind.name)
    backends = [{row.host.rpartition("@")[2]} for row in nodes]
    for pool in pools:
        backends[places[pool.backend]].add(pool.backend_name)
    return {
        row.host: tuple(sorted({name for backend in names for name in wanted[backend]}))
        for row, names in zip(nodes, backends, strict=True)
    }
