"""Requests and responses: microversions, pages, error bodies, fault injection."""
