"""Stored records: the inputs and explanation of each decision, and the pruning of old models."""
