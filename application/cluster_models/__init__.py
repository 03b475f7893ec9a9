"""Collected models of the cloud: collection, records, amendments by notifications, queries."""
