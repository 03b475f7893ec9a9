"""Imports every module that defines events, so that their topics can be resolved.

A test compares this list with the event classes of the code base.
"""

from types import ModuleType

import domain.actuation.actuation
import domain.audit_templates.audit_template
import domain.audits.audit
import domain.catalogue.catalogue
import domain.cluster_models.amendments.model_amendments
import domain.cluster_models.cluster_model
import domain.command_receipts.command_receipt
import domain.plans.action_plan
import domain.reservations.reservation
import domain.services.service
from domain.kernel.aggregate import Event

MODULES: tuple[ModuleType, ...] = (
    domain.actuation.actuation,
    domain.audit_templates.audit_template,
    domain.audits.audit,
    domain.catalogue.catalogue,
    domain.cluster_models.cluster_model,
    domain.cluster_models.amendments.model_amendments,
    domain.command_receipts.command_receipt,
    domain.plans.action_plan,
    domain.reservations.reservation,
    domain.services.service,
)
"""The modules of the aggregates (which import their events)."""


def event_types() -> dict[str, type[Event]]:
    """Topic → class of every event class. Base classes have no topic."""
    found: dict[str, type[Event]] = {}
    todo: list[type[Event]] = [Event]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if "TOPIC" in cls.__dict__:
                found[cls.__dict__["TOPIC"]] = cls
    return found
