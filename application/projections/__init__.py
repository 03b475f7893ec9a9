"""Projections: folds of the event log into the tables that queries read."""

from application.ports.projections import Projection
from application.projections.audit_templates import AuditTemplatesProjection
from application.projections.audits import AuditsProjection
from application.projections.catalogue import CatalogueProjection
from application.projections.cluster_models import ClusterModelsProjection
from application.projections.plans import PlansProjection
from application.projections.rebuild import RebuildLost, RebuildRefused, RebuildReport
from application.projections.runner import Projector
from application.projections.timeline import TimelineProjection
from domain.audits.schedule import Cron


def all_projections(cron: Cron) -> tuple[Projection, ...]:
    """Every projection whose tables queries read.

    Args:
        cron: evaluates cron expressions; raises ValueError for what is none.
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
