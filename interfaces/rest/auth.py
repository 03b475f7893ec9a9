"""Who calls, and what they may do: the hook that deployments fill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import falcon

from domain.kernel.metadata import Actor, ActorKind
from interfaces.rest.rules import RULES


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        actor: how events name them.
        roles: lower case.
        credentials: what policy rules may refer to (user, project and domain ids, …).
    """

    actor: Actor
    roles: frozenset[str]
    credentials: Mapping[str, Any] = field(default_factory=dict)


Target = Mapping[str, Any]
"""What is to be acted on, as policy rules may refer to it."""


class Authorizer(Protocol):
    """Identifies callers and applies the policy."""

    def identify(self, req: falcon.Request) -> Caller:
        """Who sent a request.

        Raises:
            Unauthenticated: that cannot be told.
        """
        ...

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """Whether the policy lets a caller do what a rule names."""
        ...


_TOLD = {
    "project_name": "X-Project-Name",
    "user_domain_id": "X-User-Domain-Id",
    "project_domain_id": "X-Project-Domain-Id",
    "system_scope": "OpenStack-System-Scope",
    "is_admin_project": "X-Is-Admin-Project",
}


def _told(req: falcon.Request) -> dict[str, str | None]:
    return {name: req.get_header(header) for name, header in _TOLD.items()}


class NoAuth:
    """No identity service: whoever reaches the socket is an administrator.

    A request that names its roles (``X-Roles``) has exactly these, so that the policy can be tried
    out (rest-api 6.2). For loopback only: the composition root sees to that.
    """

    def identify(self, req: falcon.Request) -> Caller:
        """The caller that the request's headers describe."""
        named = req.get_header("X-Roles")
        roles = "admin" if named is None else named
        user = req.get_header("X-User-Id") or "anonymous"
        project = req.get_header("X-Project-Id")
        actor = Actor(ActorKind.USER, user, req.get_header("X-User-Name") or user, project)
        return Caller(
            actor,
            frozenset(role.strip().lower() for role in roles.split(",") if role.strip()),
            {"user_id": user, "project_id": project, **_told(req)},
        )

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:  # noqa: ARG002
        """Whether one of the caller's roles is among the rule's default ones."""
        return bool(caller.roles & RULES[rule].roles)
