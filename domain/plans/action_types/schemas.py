"""JSON Schemas of parameters that several action types have."""

from domain.kernel.aggregate import JsonObject

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
ID: JsonObject = {"type": "string", "pattern": UUID}
NAME: JsonObject = {"type": "string", "minLength": 1, "maxLength": 255}
OPTIONAL_NAME: JsonObject = {"type": ["string", "null"], "maxLength": 255}


def parameters(required: tuple[str, ...], **properties: JsonObject) -> JsonObject:
    """The JSON Schema (draft 4) of an object with these properties and no others."""
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
