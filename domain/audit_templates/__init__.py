from domain.audit_templates.audit_template import AuditTemplate

__all__ = ["AuditTemplate"]
