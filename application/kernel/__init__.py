"""Shared by all capabilities: the unit of work, retries, outage logging, errors."""
