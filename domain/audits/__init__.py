from domain.audits.audit import Audit, Definition, Run
from domain.audits.events import AuditState, AuditType, RunCause

__all__ = ["Audit", "AuditState", "AuditType", "Definition", "Run", "RunCause"]
