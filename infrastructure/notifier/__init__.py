"""The transports of Vigil's own notifications."""
