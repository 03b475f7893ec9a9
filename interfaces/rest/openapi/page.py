import dataclasses
import json
from typing import Any

from interfaces.rest.openapi.document import description
from interfaces.rest.route_table import routes
from interfaces.rest.services import RestServices


def page() -> str:
    """The committed description. It calls no service, so the API is built without any."""
    missing = dataclasses.MISSING
    needed: dict[str, Any] = {
        one.name: None
        for one in dataclasses.fields(RestServices)
        if one.default is missing and one.default_factory is missing
    }
    return json.dumps(description(routes(RestServices(**needed))), indent=1) + "\n"
