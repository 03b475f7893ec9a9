class DemoFailed(Exception):
    """The demo failed; the message is the reason."""
