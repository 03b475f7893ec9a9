"""Ports: small protocols that the application needs and the infrastructure implements."""
