"""The compute model: hosts, servers, groups and aggregates; their records and validation."""
