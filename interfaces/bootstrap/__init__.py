"""The composition root: the only place that knows every concrete class.

A *role* is one kind of process (api, projector, …). Everything that a role needs is built here from
settings and injected; nothing is looked up elsewhere.
"""

from interfaces.bootstrap.queries import Queries, open_queries
from interfaces.bootstrap.rest import rest_services
from interfaces.bootstrap.roles import code_version, run_role
from interfaces.bootstrap.store import rebuild, upgrade

__all__ = [
    "Queries",
    "code_version",
    "open_queries",
    "rebuild",
    "rest_services",
    "run_role",
    "upgrade",
]
