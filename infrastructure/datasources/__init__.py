"""Metric values from Prometheus, Gnocchi and Grafana, one column per metric."""
