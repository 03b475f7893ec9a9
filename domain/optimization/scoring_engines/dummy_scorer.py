"""``dummy_scorer``: classifies a workload by thresholds."""

import json
from collections.abc import Sequence

from domain.optimization.scoring import ScoringEngine

FEATURES = (
    "proc-processor-time-%",
    "mem-total-bytes",
    "mem-avail-bytes",
    "mem-page-reads/sec",
    "mem-page-writes/sec",
    "disk-read-bytes/sec",
    "disk-write-bytes/sec",
    "net-bytes-received/sec",
    "net-bytes-sent/sec",
)
RESULTS = (
    "workload",
    "idle-probability",
    "cpu-probability",
    "memory-probability",
    "disk-probability",
)
WORKLOADS = ("idle", "cpu-intensive", "memory-intensive", "disk-intensive")

BUSY_CPU, HALF_BUSY_CPU = 80, 40
"""%."""
PAGING, HALF_PAGING = 1000, 500
"""Pages/s."""
BUSY_DISK = 50 * 2**20
"""Bytes/s."""


class DummyScorer(ScoringEngine):
    """Classifies a workload by its CPU, memory and disk use."""

    name = "dummy_scorer"
    description = "Dummy workload classifier"
    version = "1"
    metainfo = json.dumps(
        {"feature_columns": FEATURES, "result_columns": RESULTS, "workloads": WORKLOADS}
    )

    def score(self, features: Sequence[float]) -> Sequence[float]:
        """``RESULTS``: the index of the workload in ``WORKLOADS``, and probabilities in %.

        Args:
            features: ``FEATURES``.

        Raises:
            ValueError: there are not nine features.
        """
        if len(features) != len(FEATURES):
            raise ValueError(f"expected {len(FEATURES)} features, not {len(features)}")
        cpu, _, _, page_reads, page_writes, disk_reads, disk_writes, _, _ = features
        if cpu >= BUSY_CPU:
            return (1, 0, 100, 0, 0)
        if min(page_reads, page_writes) >= PAGING:
            return (2, 0, 0, 100, 0)
        if min(disk_reads, disk_writes) >= BUSY_DISK:
            return (3, 0, 0, 0, 100)
        busy = 50 if cpu >= HALF_BUSY_CPU else 0
        paging = 50 if max(page_reads, page_writes) >= HALF_PAGING else 0
        return (0, 100, busy, paging, 0)
