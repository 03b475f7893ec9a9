"""The simulated Cinder: block storage, read-only."""
