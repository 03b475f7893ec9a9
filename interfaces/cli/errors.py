class CommandFailed(Exception):
    """A command could not do its work; the message is all that the user needs."""
