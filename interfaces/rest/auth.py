"""Callers, the interface to identity and policy, and its implementation without Keystone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import falcon

from domain.kernel.metadata import Actor, ActorKind
from interfaces.rest.rules import RULES


@dataclass(frozen=True)
class Caller:
    """The user or service that sent a request.

    Attributes:
        actor: its name in events.
        roles: in lower case.
        credentials: attributes for policy rules (user, project and domain ids, …).
    """

    actor: Actor
    roles: frozenset[str]
    credentials: Mapping[str, Any] = field(default_factory=dict)


Target = Mapping[str, Any]
"""The attributes of the object of a request that policy rules can refer to."""


class Identity(Protocol):
    """Identifies callers."""

    @property
    def unused(self) -> Sequence[str]:
        """For the log: names in its configuration that are no options."""
        ...

    def identify(self, req: falcon.Request) -> Caller:
        """The caller of a request.

        Raises:
            Unauthenticated: there is no valid token.
            IdentityUnavailable: the token cannot be validated now.
        """
        ...

    def problem(self) -> str | None:
        """Why no caller can be identified now, without secrets; None if callers can be."""
        ...


class Authorizer(Protocol):
    """Identifies callers and applies the policy."""

    def identify(self, req: falcon.Request) -> Caller:
        """See ``Identity.identify``."""
        ...

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """Whether a policy rule allows the caller to act on the target."""
        ...


_HEADERS = {
    "project_name": "X-Project-Name",
    "user_domain_id": "X-User-Domain-Id",
    "project_domain_id": "X-Project-Domain-Id",
    "system_scope": "OpenStack-System-Scope",
    "is_admin_project": "X-Is-Admin-Project",
}


class NoAuth:
    """Without an identity service every caller is an administrator.

    A request with an ``X-Roles`` header has exactly those roles, to test a policy
    (docs/authentication.md, "Without"). The composition root allows it on loopback only.
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
            {"user_id": user, "project_id": project}
            | {name: req.get_header(header) for name, header in _HEADERS.items()},
        )

    unused = ()

    def problem(self) -> str | None:
        """None: every caller can be identified."""
        return None

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:  # noqa: ARG002
        """Whether one of the caller's roles is among the rule's default ones."""
        return bool(caller.roles & RULES[rule].roles)
