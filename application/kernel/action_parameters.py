"""Actions held against the schemas of their types: names the first field that breaks a rule."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jsonschema import Draft4Validator, ValidationError

from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.optimization.strategy import Strategy
from domain.plans.action_types.schemas import UUID
from domain.plans.proposal import parameters_of

P = TypeVar("P")


def check_requested(
    strategy: Strategy[P],
    parameters: P,
    action_types: Callable[[], Mapping[str, JsonObject]],
    field: str = "parameters",
) -> None:
    """Checks the actions that the parameters of a strategy list.

    Args:
        strategy: see ``Strategy.requested_actions``.
        parameters: of the strategy.
        action_types: returns type → JSON Schema of its parameters; ``{}`` allows all.
        field: name of the parameters in errors.

    Raises:
        InvalidValue: an action has an unknown type or invalid parameters; names both.
    """
    try:
        actions = strategy.requested_actions(parameters)
    except InvalidValue as wrong:
        raise InvalidValue(f"{field}/{wrong.field}", wrong.rule) from wrong
    schemas = action_types() if actions else {}
    for place, action in actions.items():
        where, kind = f"{field}/{place}", action.type
        if kind not in schemas:
            known = ", ".join(sorted(schemas))
            rule = f"must be a registered action type ({known}), which {kind!r} is not"
            raise InvalidValue(f"{where}/action_type", rule)
        try:
            check_action_parameters(schemas[kind], parameters_of(action))
        except InvalidValue as wrong:
            inner = "" if wrong.field == "resource_id" else "input_parameters/"
            raise InvalidValue(
                f"{where}/{inner}{wrong.field}", f"{wrong.rule} (action type {kind})"
            ) from wrong


def check_action_parameters(schema: JsonObject, parameters: JsonObject) -> None:
    """Checks the parameters of an action, including ``resource_id``.

    Raises:
        InvalidValue: names the first invalid field (in order of name) and the rule it breaks.
    """
    errors = Draft4Validator(schema).iter_errors(parameters)
    worst = min(errors, key=lambda error: (_field(error), error.message), default=None)
    if worst is not None:
        raise InvalidValue(_field(worst), _rule(worst))


def _field(error: ValidationError) -> str:
    path = [str(part) for part in error.absolute_path]
    rule: Any = error.validator_value
    given: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        path += sorted(set(rule) - set(given))[:1]
    elif error.validator == "additionalProperties":
        path += sorted(set(given) - set(schema["properties"]))[:1]
    return ".".join(path) or "parameters"


def _rule(error: ValidationError) -> str:
    rules: dict[str, Callable[[Any], str]] = {
        "required": lambda _: "is required",
        "additionalProperties": lambda _: "is not a parameter of this action",
        "enum": lambda allowed: f"must be one of {', '.join(map(str, allowed))}",
        "pattern": lambda pattern: "must be a UUID" if pattern == UUID else f"must match {pattern}",
        "minLength": lambda _: "must not be empty",
        "maxLength": lambda limit: f"must have at most {limit} characters",
        "minimum": lambda limit: f"must be at least {limit}",
        "type": lambda kinds: (
            "must be of type " + (kinds if isinstance(kinds, str) else " or ".join(kinds))
        ),
    }
    rule = rules.get(str(error.validator), lambda _: error.message)(error.validator_value)
    missing = error.validator in {"required", "additionalProperties"}
    return rule if missing else f"{rule}, not {error.instance!r}"
