"""The one way for tests to open an installation's databases, and to make values and histories."""
