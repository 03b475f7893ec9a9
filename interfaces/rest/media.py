"""Reads and validates request bodies and query strings, and writes response bodies."""

import codecs
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl

import falcon
import msgspec

from application.commands.patching import MISSING, ParsedOperation, Patch
from application.kernel.typed_values import field_and_rule
from application.kernel.unit_of_work import IdempotencyKey
from interfaces.rest.call import call_of
from interfaces.rest.errors import BodyTooLarge, BodyTooSlow, MalformedRequest, UnusableMediaType
from interfaces.rest.parameters import Parameter
from interfaces.rest.serving.client_connection import is_client_timeout

JSON = "application/json"
_ACCEPTED = frozenset({JSON, "text/javascript", "application/javascript"})
_FORM = "application/x-www-form-urlencoded"
MAX_KEY = 255
INTEGER_LIMIT = 2**63
MAX_DEPTH = 64
_SUSPICIOUS = re.compile(rb"\\u0000|\d{19}")

T = TypeVar("T")


class PatchOperation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One operation of a JSON patch."""

    op: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["add", "replace", "remove"]})]
    path: str
    value: Any = msgspec.UNSET


def read(req: falcon.Request, limit: int) -> bytes:
    """The request's body.

    Args:
        req: the request.
        limit: bytes.

    Raises:
        BodyTooLarge: it is longer than the limit.
        UnusableMediaType: it is not JSON.
        MalformedRequest: it is a form.
        BodyTooSlow: it does not arrive in time.
    """
    if (req.content_length or 0) > limit:
        raise BodyTooLarge(f"The request body is longer than {limit} bytes.")
    stream = req.stream if req.content_length is None and _chunked(req) else req.bounded_stream
    try:
        body = stream.read(limit + 1)
    except OSError as error:
        if not is_client_timeout(error):
            raise
        raise BodyTooSlow("The request body did not arrive in time.") from error
    if len(body) > limit:
        raise BodyTooLarge(f"The request body is longer than {limit} bytes.")
    kind = (req.content_type or JSON).partition(";")[0].strip().lower()
    if body and kind == _FORM:
        raise MalformedRequest("The request body must be JSON, not a form.")
    if body and kind not in _ACCEPTED:
        raise UnusableMediaType(f"The request body must be {JSON}, not {kind}.")
    return body.removeprefix(codecs.BOM_UTF8)  # of a file that an editor wrote


def _chunked(req: falcon.Request) -> bool:
    return bool(req.env.get("wsgi.input_terminated")) and "HTTP_TRANSFER_ENCODING" in req.env


def decoded(body: bytes, kind: type[T]) -> T:
    """A body as a typed value.

    Raises:
        MalformedRequest: not JSON, or not of that type; the text names the field and the rule.
    """
    if not body.strip():
        raise MalformedRequest("The request has no body; it must be JSON, at least {}.")
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field, rule = field_and_rule(error)
        raise MalformedRequest(
            f"Invalid input: {field}: {rule}" if field else f"Invalid input: {rule}"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"Invalid input: {error}") from None
    _check_storable(body)
    return value


def _check_storable(body: bytes) -> None:
    """Refuses valid JSON that a database or a later reader cannot process."""
    if not _SUSPICIOUS.search(body) and body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    waiting = [(msgspec.json.decode(body), 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise MalformedRequest(f"Invalid input: nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            waiting += [(one, depth + 1) for pair in value.items() for one in pair]
        elif isinstance(value, list):
            waiting += [(one, depth + 1) for one in value]
        elif isinstance(value, str) and "\0" in value:
            raise MalformedRequest("Invalid input: text must not contain NUL characters")
        elif isinstance(value, int) and not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            raise MalformedRequest("Invalid input: integers must fit into 64 bits")


def patch(req: falcon.Request, limit: int) -> Patch:
    """The request's JSON patch.

    Raises:
        MalformedRequest: the body is not a list of operations.
    """
    operations = decoded(read(req, limit), list[PatchOperation])
    return [
        ParsedOperation(one.op, one.path, MISSING if one.value is msgspec.UNSET else one.value)
        for one in operations
    ]


def once(req: falcon.Request, body: bytes) -> IdempotencyKey | None:
    """The key and digest of a request with an ``Idempotency-Key``, None without that header.

    The key is scoped to the caller; the digest covers method, path and body.

    Raises:
        MalformedRequest: the key is empty or too long.
    """
    key = req.get_header("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY:
        raise MalformedRequest(f"Idempotency-Key must have 1 to {MAX_KEY} characters.")
    actor = call_of(req).metadata().actor
    scope = json.dumps([actor.id, actor.project, key])
    request = b"\x1f".join([req.method.encode(), req.path.encode(), _canonical(body)])
    return IdempotencyKey(scope, hashlib.sha256(request).hexdigest())


def _canonical(body: bytes) -> bytes:
    if not body.strip():
        return b""
    return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")


def encoded(value: object) -> bytes:
    """A value as ASCII JSON."""
    body = msgspec.json.encode(value)
    if body.isascii():
        return body
    return json.dumps(msgspec.json.decode(body), separators=(",", ":")).encode()


def reply(resp: falcon.Response, value: object, status: int = 200) -> None:
    """Answers with a JSON document."""
    resp.status = status
    resp.content_type = JSON
    resp.data = encoded(value)


def query(req: falcon.Request, known: Iterable[Parameter]) -> dict[str, str]:
    """The query parameters of a request.

    Raises:
        MalformedRequest: one is unknown or given twice.
    """
    allowed = {one.name for one in known}
    found: dict[str, str] = {}
    for name, value in _pairs(req):
        if name not in allowed:
            raise MalformedRequest(f"Unknown argument: {name!r}")
        if name in found:
            raise MalformedRequest(f"Argument given twice: {name!r}")
        if "\0" in value:
            raise MalformedRequest(f"Invalid value for argument {name!r}")
        found[name] = value
    return found


def _pairs(req: falcon.Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(req.query_string, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise MalformedRequest(f"Invalid query string: {error}") from None


def nothing(resp: falcon.Response, status: int) -> None:
    """Answers with an empty body."""
    resp.status = status
    resp.data = b""
    resp.content_length = 0
    resp.content_type = cast("Any", None)
