from domain.audits.audit import Audit, Definition
from domain.audits.events import AuditState, AuditType, RunCause
from domain.audits.run import Run

__all__ = ["Audit", "AuditState", "AuditType", "Definition", "Run", "RunCause"]
