"""What is in the simulated Keystone: projects, roles, and users, whom administrators can change."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from infrastructure.simulator.core.config import PASSWORD

_NAMESPACE = uuid.UUID("5f0c2a0e-6d3f-5c55-9a43-3f1f5a3d9f10")


def stable_hex(kind: str, name: str) -> str:
    """A Keystone-style id (32 hex digits), the same in every simulator."""
    return uuid.uuid5(_NAMESPACE, f"{kind}/{name}").hex


@dataclass(frozen=True)
class Project:
    """A project of the default domain."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class User:
    """A user of the default domain.

    Attributes:
        grants: ids of projects, or of the domain, and the names of the roles there.
        generation: how often its tokens became invalid: a token carries that of its time.
        more: attributes that Keystone stores and shows, such as `email`.
    """

    id: str
    name: str
    password: str
    grants: tuple[tuple[str, tuple[str, ...]], ...]
    enabled: bool = True
    generation: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def roles_on(self, scope: str) -> tuple[str, ...]:
        """Role names on a project or on the domain; empty when it has none there."""
        return dict(self.grants).get(scope, ())


def _project(name: str, description: str = "") -> Project:
    return Project(stable_hex("project", name), name, description)


ADMIN_PROJECT = _project("admin", "Bootstrap project for initializing the cloud.")
SERVICE_PROJECT = _project("service")
DEMO_PROJECT = _project("demo")
PROJECTS = (ADMIN_PROJECT, SERVICE_PROJECT, DEMO_PROJECT)

DOMAIN = {"id": "default", "name": "Default"}
DOMAIN_ID = DOMAIN["id"]

ROLES = ("admin", "manager", "member", "reader", "service")
_EVERYTHING = ("admin", "manager", "member", "reader")


def _user(name: str, *grants: tuple[str, tuple[str, ...]]) -> User:
    more = {"default_project_id": grants[0][0]}
    return User(stable_hex("user", name), name, PASSWORD, grants, more=more)


ADMIN = _user(
    "admin",
    (ADMIN_PROJECT.id, _EVERYTHING),
    (DEMO_PROJECT.id, _EVERYTHING),
    (DOMAIN_ID, _EVERYTHING),
)
DEMO = _user("demo", (DEMO_PROJECT.id, ("member", "reader")))
SERVICE = _user("vigil", (SERVICE_PROJECT.id, ("admin", "service", "member", "reader")))
WATCHER = _user("watcher", (SERVICE_PROJECT.id, ("admin", "service", "member", "reader")))


class Users:
    """The users as they are now."""

    def __init__(self, changed: dict[str, User], save: Callable[[dict[str, User]], None]) -> None:
        """Resume from the users that were changed before; `save` stores them."""
        self._changed, self._save = changed, save
        self._by_id = {user.id: user for user in (ADMIN, DEMO, SERVICE, WATCHER)} | changed

    def all(self) -> list[User]:
        """Every user."""
        return list(self._by_id.values())

    def get(self, user_id: str) -> User | None:
        """A user; None if there is none with that id."""
        return self._by_id.get(user_id)

    def change(self, user: User, changes: dict[str, Any]) -> User:
        """Change attributes; another password and disabling make the user's tokens invalid."""
        own = {name: changes[name] for name in ("name", "password", "enabled") if name in changes}
        more = {name: value for name, value in changes.items() if name not in own}
        ends = "password" in own or own.get("enabled") is False
        changed = replace(
            user, **own, more=user.more | more, generation=user.generation + (1 if ends else 0)
        )
        self._by_id[user.id] = self._changed[user.id] = changed
        self._save(self._changed)
        return changed
