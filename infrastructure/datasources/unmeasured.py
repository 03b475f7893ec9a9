from collections.abc import Mapping, Sequence

from application.ports.metrics import Fetched, MetricCheck
from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import MetricNeed, MetricTable

_ERROR = "no datasource is configured ([watcher_datasources] datasources)"


class NoDatasource:
    """The source of clouds without one: everything is unknown, and it says so.

    Strategies then go by allocations, where they can.
    """

    name = "none"

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Nothing."""
        return {need.name: False for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """Unknown values only."""
        table = MetricTable.from_values(model, {need: {} for need in needs})
        problems = (Cause(Reason.METRICS_UNAVAILABLE, {"error": _ERROR}),) if needs else ()
        return Fetched(table, problems, 0)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Nothing is supported."""
        sizes = {"host": len(model.hosts), "server": len(model.servers)}
        return tuple(
            MetricCheck(
                metric=need.name,
                resource=need.resource,
                supported=False,
                unit="",
                known=0,
                total=sizes[need.resource],
            )
            for need in needs
        )
