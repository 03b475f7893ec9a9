"""What it costs to follow a cloud: ``python -m tests.benchmarks amendments``."""

from functools import partial

from application.cluster_models.amendment_store import encode_amendment
from application.cluster_models.kinds import COMPUTE
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import ServerRow
from domain.cluster.formats.portable import read_portable
from domain.cluster_models.amendments import (
    ComputeAmendments,
    ComputeFacts,
    ServerFact,
    Stamp,
    admit_compute,
)
from tests.benchmarks.cluster_core import least, synthetic
from tests.benchmarks.report import Figure, Table, of_figures

BATCH = 100
KNOWN = 6000
"""Facts since the last collection: a minute of a hundred changes a second."""
_UNSAID = {"id", "pinned_zone", "groups", "numa_nodes", "updated_at"}


def run(*, quick: bool = False) -> Table:
    """At 5,000 hosts and 50,000 servers (a tenth of it if it must be quick)."""
    hosts, servers = (500, 5000) if quick else (5000, 50000)
    known = min(KNOWN, servers // 2)
    rows = read_portable(synthetic(hosts, servers))
    model, _ = ComputeModel.build(rows.hosts, rows.servers)
    names = [row.name for row in rows.hosts]
    told = [_moved(row, names[n % hosts], n) for n, row in enumerate(rows.servers)]
    batch = ComputeFacts.of(told[known : known + BATCH])
    before = ComputeFacts.of(told[:known])
    first = ComputeAmendments(model, ComputeFacts())
    admit_compute(first, batch, 0.0)  # whoever listens has looked the ids up already
    figures: list[Figure] = [
        ("a batch judged, the first", least(3, partial(admit_compute, first, batch, 0.0)), "s"),
        ("a batch judged, after others", least(3, partial(_later, model, before, batch)), "s"),
        ("model with one batch", least(3, ComputeAmendments(model, batch).model), "s"),
        ("model with all of before", least(3, ComputeAmendments(model, before).model), "s"),
        ("record of a batch", len(encode_amendment(COMPUTE, "", None, 1, batch)) / 1000, "kB"),
    ]
    return of_figures(
        "Notifications",
        [(f"{hosts}/{servers}: {name}", value, unit) for name, value, unit in figures],
        f"A batch tells of {BATCH} moved servers; before it {known} others were told of since the "
        "collection. CPU seconds, the least of some repeats; the record before compression.",
    )


def _later(model: ComputeModel, before: ComputeFacts, batch: ComputeFacts) -> None:
    admit_compute(ComputeAmendments(model, before), batch, 0.0)


def _moved(row: ServerRow, host: str, number: int) -> ServerFact:
    told = {name: value for name, value in vars(row).items() if name not in _UNSAID}
    stamp = Stamp(1, float(number), f"message-{number}")
    return ServerFact(row.id, stamp, attributes={**told, "host": host})
