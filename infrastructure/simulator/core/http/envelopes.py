"""The error bodies of each service."""

from infrastructure.simulator.core.http.calls import ApiRequest, Json

_NOVA = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_UNAUTHORIZED = 401
_SERVER_ERRORS = 500
_PLACEMENT_OPENINGS = {
    400: (
        "The server could not comply with the request since it is either malformed or "
        "otherwise incorrect."
    ),
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
}
_NO_CODE = (403, 406)
_WITH_CODE = (1, 23)


def envelope(call: ApiRequest, status: int, message: str) -> Json | str:
    """The body of an error answer; a text is sent as such."""
    if call.service == "MAAS":
        return message
    if call.service == "baremetal" and status != _UNAUTHORIZED:
        return {"error_message": _ironic(status, message)}
    if status == _UNAUTHORIZED or call.service not in ("compute", "placement", "volume"):
        title = _TITLES.get(status, "Error")
        return {"error": {"code": status, "title": title, "message": message}}
    if call.service in ("compute", "volume"):
        return {_NOVA.get(status, "computeFault"): {"code": status, "message": message}}
    return {"errors": [_placement(call, status, message)]}


def _ironic(status: int, message: str) -> Json:
    side = "Client" if status < _SERVER_ERRORS else "Server"
    return {"faultcode": side, "faultstring": message, "debuginfo": None}


def _placement(call: ApiRequest, status: int, message: str) -> Json:
    title = _TITLES.get(status, "Error")
    error: Json = {
        "status": status,
        "title": title,
        "detail": f"{_PLACEMENT_OPENINGS.get(status, title)}\n\n {message}  ",
    }
    if status not in _NO_CODE and call.version >= _WITH_CODE:
        error["code"] = "placement.undefined_code"
    return error | {"request_id": call.request_id}
