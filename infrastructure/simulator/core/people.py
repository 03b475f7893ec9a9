"""The fixed inhabitants of the simulated Keystone: projects, users, roles."""

import uuid
from dataclasses import dataclass

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
    """A user of the default domain, with the projects it has roles on."""

    id: str
    name: str
    password: str
    grants: tuple[tuple[str, tuple[str, ...]], ...]

    def roles_on(self, project_id: str) -> tuple[str, ...]:
        """Role names on a project; empty when it has none there."""
        return dict(self.grants).get(project_id, ())


def _project(name: str, description: str = "") -> Project:
    return Project(stable_hex("project", name), name, description)


ADMIN_PROJECT = _project("admin", "Bootstrap project for initializing the cloud.")
SERVICE_PROJECT = _project("service")
DEMO_PROJECT = _project("demo")
PROJECTS = (ADMIN_PROJECT, SERVICE_PROJECT, DEMO_PROJECT)

ROLES = ("admin", "manager", "member", "reader", "service")
_EVERYTHING = ("admin", "manager", "member", "reader")


def _user(name: str, *grants: tuple[Project, tuple[str, ...]]) -> User:
    pairs = tuple((project.id, roles) for project, roles in grants)
    return User(stable_hex("user", name), name, PASSWORD, pairs)


ADMIN = _user("admin", (ADMIN_PROJECT, _EVERYTHING), (DEMO_PROJECT, _EVERYTHING))
DEMO = _user("demo", (DEMO_PROJECT, ("member", "reader")))
SERVICE = _user("vigil", (SERVICE_PROJECT, ("admin", "service", "member", "reader")))
WATCHER = _user("watcher", (SERVICE_PROJECT, ("admin", "service", "member", "reader")))
USERS = (ADMIN, DEMO, SERVICE, WATCHER)
