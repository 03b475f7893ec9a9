"""Audit templates: named defaults for audits."""

from domain.audit_templates.audit_template import AuditTemplate

__all__ = ["AuditTemplate"]
