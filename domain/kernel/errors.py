"""What the domain refuses.

::

    DomainError
    ├── InvalidValue            a value breaks a rule: names the field and the rule
    ├── NotFound                there is no such thing
    ├── Refusal                 the thing exists, but this may not happen to it (now)
    │   ├── IllegalTransition   its state machine has no such arrow
    │   ├── DeleteRefused       it may not be deleted in its state
    │   └── Conflict            it collides with something else
    │       ├── NameTaken
    │       └── NotSkippable
    └── Fenced                  a worker acted on a claim that is no longer its own
"""

from collections.abc import Iterable


class DomainError(Exception):
    """Root of everything that the domain refuses."""


class InvalidValue(DomainError):
    """A value breaks a rule.

    Args:
        field: which field, as the caller named it.
        rule: the rule that it breaks, as a phrase ("must be …").
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class NotFound(DomainError):
    """There is no such thing.

    Args:
        kind: what kind of thing, with a capital ("Audit").
        key: how it was asked for.
    """

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"{kind} {key} could not be found.")
        self.kind = kind
        self.key = str(key)


class Refusal(DomainError):
    """The thing exists, but this may not happen to it."""


class IllegalTransition(Refusal):
    """A state machine has no such arrow."""

    def __init__(self, kind: str, old: str, new: str) -> None:
        super().__init__(f"{kind}: State transition not allowed: ({old} -> {new})")
        self.old = old
        self.new = new


class DeleteRefused(Refusal):
    """A thing may not be deleted in its state."""

    def __init__(self, state: str) -> None:
        super().__init__(f"Couldn't delete when state is '{state}'.")
        self.state = state


class Conflict(Refusal):
    """It collides with something else."""


class NameTaken(Conflict):
    """Another live thing of the kind has the name."""

    def __init__(self, kind: str, name: str) -> None:
        article = "An" if kind[:1] in "aeiou" else "A"
        super().__init__(f"{article} {kind} with the name {name!r} already exists.")
        self.name = name


class NotSkippable(Conflict):
    """An action is not in a state in which it can be skipped or annotated."""


class Fenced(DomainError):
    """A worker acted on a claim that is no longer its own; its event is refused."""

    def __init__(self, kind: str, *, epoch: int, current: int) -> None:
        super().__init__(f"{kind}: epoch {epoch} is fenced off; the current epoch is {current}")
        self.epoch = epoch
        self.current = current


def one_of(field: str, value: str, allowed: Iterable[str]) -> str:
    """The value, if it is allowed; InvalidValue naming the allowed ones otherwise."""
    choices = sorted(allowed)
    if value not in choices:
        raise InvalidValue(field, f"must be one of {', '.join(choices)}, not {value!r}")
    return value
