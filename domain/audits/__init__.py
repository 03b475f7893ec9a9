"""Audits: a user's request to optimise, and its runs."""

from domain.audits.audit import Audit
from domain.audits.definition import AuditDefinition, AuditType
from domain.audits.events import AuditState, RunCause
from domain.audits.run import Run

__all__ = ["Audit", "AuditDefinition", "AuditState", "AuditType", "Run", "RunCause"]
