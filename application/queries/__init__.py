"""Queries that combine read models, event log and records; one file per resource."""
