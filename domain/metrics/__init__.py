"""Metrics: their names and units, what strategies request, and tables of values."""
