"""Errors of the domain.

::

    DomainError
    ├── InvalidValue            a value breaks a rule: names the field and the rule
    ├── NotFound                the object does not exist
    ├── Refusal                 the object exists, but its state does not allow the operation
    │   ├── IllegalTransition   its state machine does not have this transition
    │   ├── DeleteRefused       it cannot be deleted in its state
    │   └── Conflict            it conflicts with another object
    │       ├── NameTaken
    │       └── NotSkippable
    └── Fenced                  a worker used a claim that is no longer valid
"""

from collections.abc import Iterable


class DomainError(Exception):
    """Base class of the errors of the domain.

    Attributes:
        position: log position up to which the refused command may have read; None if the log was
            not read.
    """

    position: int | None = None


class InvalidValue(DomainError):
    """A value breaks a rule.

    Args:
        field: name of the field in the request.
        rule: the broken rule, as a phrase ("must be …").
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class NotFound(DomainError):
    """An object does not exist.

    Args:
        kind: the class of the object ("Audit").
        key: the id or name in the request.
    """

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"{kind} {key} could not be found.")
        self.kind = kind
        self.key = str(key)


class Refusal(DomainError):
    """The object exists, but its state does not allow the operation."""


class IllegalTransition(Refusal):
    """A state machine does not have a transition."""

    def __init__(self, kind: str, old: str, new: str) -> None:
        super().__init__(f"{kind}: State transition not allowed: ({old} -> {new})")
        self.old = old
        self.new = new


class DeleteRefused(Refusal):
    """An object cannot be deleted in its state."""

    def __init__(self, state: str) -> None:
        super().__init__(f"Couldn't delete when state is '{state}'.")
        self.state = state


class Conflict(Refusal):
    """The operation conflicts with another object."""


class NameTaken(Conflict):
    """Another object of the kind has the name."""

    def __init__(self, kind: str, name: str) -> None:
        article = "An" if kind[:1] in "aeiou" else "A"
        super().__init__(f"{article} {kind} with the name {name!r} already exists.")
        self.name = name


class NotSkippable(Conflict):
    """An action is not in a state in which it can be skipped or annotated."""


class Fenced(DomainError):
    """A worker used a claim that is no longer valid; its event is refused."""

    def __init__(self, kind: str, *, epoch: int, current: int) -> None:
        super().__init__(f"{kind}: epoch {epoch} is fenced off; the current epoch is {current}")
        self.epoch = epoch
        self.current = current


def one_of(field: str, value: str, allowed: Iterable[str]) -> str:
    """Returns the value if it is allowed, else raises InvalidValue with the allowed values."""
    choices = sorted(allowed)
    if value not in choices:
        raise InvalidValue(field, f"must be one of {', '.join(choices)}, not {value!r}")
    return value
