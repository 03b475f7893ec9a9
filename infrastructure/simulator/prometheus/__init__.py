"""The simulated Prometheus: a query API over computed series."""
