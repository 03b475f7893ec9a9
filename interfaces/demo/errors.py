class DemoFailed(Exception):
    """The demo cannot go on; the message says what went wrong."""
