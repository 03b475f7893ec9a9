"""What docs/actions.md says of the execution of an action."""

from dataclasses import dataclass

ALREADY_SO = (
    "Check and observation compare the state; the same request once more would change nothing."
)
RECORDED = (
    "The records of the server before the request (instance actions, migrations) are in the "
    "intent. A later one of this type by Vigil's user is that of the request, also if its response "
    "was lost. A 409 of Nova makes Vigil look for its own earlier request."
)
SERVER_RIGHTS = (
    "os_compute_api:servers:show",
    "os_compute_api:os-extended-server-attributes",
    "os_compute_api:os-instance-actions:list",
    "os_compute_api:os-instance-actions:show",
    "os_compute_api:os-instance-actions:events",
    "os_compute_api:os-instance-actions:events:details",
    "os_compute_api:os-migrations:index",
)
"""What finding the records of a server needs."""


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How a handler executes its actions.

    Attributes:
        check: what it reads before the request; when the action is skipped, when it fails.
        effect: the requests that change the cloud.
        observation: how it finds out what became of the request.
        abort: what can be stopped, and how.
        undo: the action that undoes it.
        once: why the effect takes place at most once.
        rights: policy rules of the services that Vigil's user must pass.
    """

    check: str
    effect: str
    observation: str
    abort: str = "No."
    undo: str = "None."
    once: str = RECORDED
    rights: tuple[str, ...] = ()
