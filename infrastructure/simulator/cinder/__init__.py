"""The simulated Cinder: block storage."""
