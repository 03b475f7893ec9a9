from domain.audits.audit import Audit, AuditDefinition
from domain.audits.events import AuditState, AuditType, RunCause
from domain.audits.run import Run

__all__ = ["Audit", "AuditDefinition", "AuditState", "AuditType", "Run", "RunCause"]
