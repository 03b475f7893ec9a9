import getpass

from domain.kernel.metadata import Actor, ActorKind, Metadata


def caller() -> Metadata:
    """The user of the operating system who runs the command."""
    name = getpass.getuser()
    return Metadata(Actor(ActorKind.USER, name, name))
