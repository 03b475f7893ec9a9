from collections.abc import Mapping
from typing import Any

import falcon

from domain.kernel.errors import NotFound
from interfaces.rest import media, parameters
from interfaces.rest.call import call_of
from interfaces.rest.errors import MicroversionNotAcceptable
from interfaces.rest.parameters import AT, Parameter
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas import documents

SINCE = 3
ATTRIBUTES_SINCE = 6
QUERY = (
    Parameter("data_model_type", "The model.", {"type": "string", "enum": ["compute"]}),
    Parameter(
        "audit_uuid", "Only rows in the scope of this audit.", {"type": "string", "format": "uuid"}
    ),
    AT,
)

_NODE = (
    *("node_uuid", "node_hostname", "node_status", "node_disabled_reason", "node_state"),
    *("node_memory", "node_memory_mb_reserved", "node_disk", "node_disk_gb_reserved"),
    *("node_vcpus", "node_vcpu_reserved"),
    *("node_memory_ratio", "node_vcpu_ratio", "node_disk_ratio"),
)
_SERVER = (
    *("server_uuid", "server_name", "server_state", "server_memory", "server_disk"),
    *("server_vcpus", "server_metadata", "server_project_id", "server_locked"),
    "server_watcher_exclude",
)
_ATTRIBUTES = ("server_pinned_az", "server_flavor_extra_specs")


class DataModelResource(BaseResource):
    """``/v1/data_model``."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The latest compute model, or that of a past moment."""
        call = call_of(req)
        if not call.at_least(SINCE):
            raise MicroversionNotAcceptable("The data model needs API version 1.3.")
        given = media.query(req, QUERY)
        audit, moment = parameters.uuid(given, "audit_uuid"), parameters.moment(given)
        kind = given.get("data_model_type", "compute")
        if kind != "compute":
            raise NotFound("Data model", kind)
        call.authorize()
        if moment is not None:
            self.past.check(moment)
        columns = frozenset(_NODE + _SERVER)
        if call.at_least(ATTRIBUTES_SINCE):
            columns |= frozenset(_ATTRIBUTES)
        rows = self.api.data_model(audit, moment)
        media.reply(
            resp, documents.DataModelDocument(context=[_shown(row, columns) for row in rows])
        )


class NoSubresource(BaseResource):
    """A path without methods, so that the answer is 405."""


def _shown(row: Mapping[str, Any], columns: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in columns}
