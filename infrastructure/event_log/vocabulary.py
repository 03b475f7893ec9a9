"""Every module that defines events: imported, so that what is stored can be read.

A test compares this list with what the code base defines.
"""

from types import ModuleType

import application.transactions
import domain.audit_templates.audit_template
import domain.audits.audit
import domain.catalogue.catalogue
import domain.clouds.amendments.model_amendments
import domain.clouds.cluster_model
import domain.names.reservation
import domain.plans.action_plan
from domain.kernel.aggregate import Event

MODULES: tuple[ModuleType, ...] = (
    application.transactions,
    domain.audit_templates.audit_template,
    domain.audits.audit,
    domain.catalogue.catalogue,
    domain.clouds.cluster_model,
    domain.clouds.amendments.model_amendments,
    domain.names.reservation,
    domain.plans.action_plan,
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
