"""Strategy parameters: JSON Schema draft 4, strict about unknown keys, completing defaults.

A schema is applied twice (docs/api.md, "Parameters"). The first pass fills in ``default``s wherever
the containing object exists. The second validates, and inside any schema with a non-empty
``properties`` refuses keys that it does not list, also if ``additionalProperties`` allows them.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue

LONGEST_MESSAGE = 300
"""Most characters of a schema error that are shown; its text may contain the whole value."""

_check_properties = Draft4Validator.VALIDATORS["properties"]


def _strict(
    validator: Validator, properties: Mapping[str, Any], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if properties and isinstance(instance, dict):
        for key in sorted(set(instance) - set(properties)):
            yield ValidationError(f"{key!r} is not a parameter; known are: {_names(properties)}")
    yield from _check_properties(validator, properties, instance, schema) or ()


def _complete(
    validator: Validator, properties: Mapping[str, Any], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name, subschema in properties.items():
            if isinstance(subschema, Mapping) and "default" in subschema:
                instance.setdefault(name, deepcopy(subschema["default"]))
    yield from _check_properties(validator, properties, instance, schema) or ()


def _alternatives(*_: object) -> Iterable[ValidationError]:
    return ()  # the matching branch is unknown while completing: none may add defaults


_Strict: type[Validator] = extend(Draft4Validator, {"properties": _strict})  # type: ignore[no-untyped-call]
_Completing: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    {"properties": _complete, "anyOf": _alternatives, "oneOf": _alternatives, "not": _alternatives},
)


def defaults_of(spec: JsonObject) -> JsonObject:
    """The defaults of a schema, without its other required parameters.

    Raises:
        InvalidValue: the schema is broken.
    """
    alone: JsonObject = {}
    _errors(_Completing(spec), alone)
    return alone


def completed(spec: JsonObject, given: JsonObject, field: str = "parameters") -> JsonObject:
    """Parameters with the defaults of a schema filled in, valid by it.

    Args:
        spec: JSON Schema of the strategy.
        given: the parameters of the request; not modified.
        field: name of the value in errors.

    Raises:
        InvalidValue: they break the schema or name an unknown parameter.
    """
    whole = deepcopy(given)
    _errors(_Completing(spec), whole)
    check(spec, whole, field)
    return whole


def check(spec: JsonObject, value: Any, field: str = "parameters") -> None:
    """Checks a value against a schema, strictly, without completing it.

    Raises:
        InvalidValue: it breaks the schema; the message names the place and the rule.
    """
    errors = _errors(_Strict(spec), value)
    if errors:
        first = min(errors, key=lambda error: (len(error.path), str(list(error.path))))
        place = "/".join([field, *(str(part) for part in first.absolute_path)])
        raise InvalidValue(place, _short(_rule(first)))


def for_audit(
    spec: JsonObject | None,
    given: JsonObject | None,
    defaults: JsonObject | None,
    *,
    omitted: bool,
) -> JsonObject:
    """The parameters that an audit stores.

    Args:
        spec: of the audit's strategy; None or empty if there is no strategy or it has none.
        given: the request's parameters; None if null or omitted.
        defaults: the audit template's, merged under the given ones key by key.
        omitted: whether the request has no ``parameters``. An explicit null is
            validated as null and leaves the parameters empty.

    Raises:
        InvalidValue: they do not fit the strategy.
    """
    merged = {**(defaults or {}), **(given or {})}
    if not spec:
        if merged:
            raise InvalidValue("parameters", "need a strategy that takes parameters")
        return {}
    if given is None and not omitted and not defaults:
        check(spec, None)
        return {}
    return completed(spec, merged)


def _errors(validator: Validator, value: Any) -> list[ValidationError]:
    try:
        return list(validator.iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable) as error:
        raise InvalidValue("parameters", f"the strategy's schema is broken: {error}") from error


def _rule(error: ValidationError) -> str:
    """The rule that a value breaks; of alternatives, the rules of each of them."""
    rule: Any = error.validator_value
    if error.validator == "not" and list(rule) == ["required"]:
        return f"{' and '.join(map(repr, rule['required']))} must not be given"
    if error.validator not in {"anyOf", "oneOf"} or not error.context:
        return error.message
    broken: dict[object, list[str]] = {}
    for one in error.context:
        broken.setdefault(one.relative_schema_path[0], []).append(_rule(one))
    return f"fits no alternative: {'; or '.join(map(' and '.join, broken.values()))}"


def _names(properties: Iterable[str]) -> str:
    return ", ".join(sorted(properties))


def _short(message: str) -> str:
    if len(message) <= LONGEST_MESSAGE:
        return message
    return message[: LONGEST_MESSAGE - 1] + "…"
