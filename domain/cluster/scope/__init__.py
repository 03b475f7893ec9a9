"""Audit scopes: which part of a model an audit covers."""
