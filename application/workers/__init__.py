"""Background workers: sweeps and hints, claims, heartbeats, the scheduler and event counts."""
