"""Shared by all domain packages: aggregates, events, ids, errors, reasons, transitions."""
