"""Runs a strategy on a cluster file, without a cloud or services."""
