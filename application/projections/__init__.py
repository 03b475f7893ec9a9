"""Projections: they fill the read tables from the event log."""

import application.kernel.product_reasons  # noqa: F401 - renders causes of old events
from application.ports.projections import Projection
from application.projections.audit_templates import AuditTemplatesProjection
from application.projections.audits import AuditsProjection
from application.projections.catalogue import CatalogueProjection
from application.projections.cluster_models import ClusterModelsProjection
from application.projections.plans import PlansProjection
from application.projections.projector import Projector
from application.projections.rebuild import RebuildLost, RebuildRefused, RebuildReport
from application.projections.timeline import TimelineProjection
from domain.audits.schedule import Cron


def all_projections(cron: Cron) -> tuple[Projection, ...]:
    """All projections.

    Args:
        cron: evaluates cron expressions; raises ValueError for an invalid one.
    """
    return (
        CatalogueProjection(),
        AuditTemplatesProjection(),
        AuditsProjection(cron),
        PlansProjection(),
        ClusterModelsProjection(),
        TimelineProjection(),
    )


__all__ = ["Projector", "RebuildLost", "RebuildRefused", "RebuildReport", "all_projections"]
