"""Algorithms that several strategies use."""
