"""Actions on Nova servers and services."""
