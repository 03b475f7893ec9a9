"""The contracts of plug-ins as checks: what the loader and the conformance suites refuse.

Each check takes what an entry point names and yields the rules that it breaks, as texts. Handlers
and datasources are checked by their methods, because their base classes load openstacksdk.
"""

import inspect
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError

from application.commands.parameters import defaults_of
from application.kernel.typed_values import typed
from domain.cluster.kinds import ModelKind
from domain.kernel.errors import InvalidValue
from domain.optimization.efficacy import EfficacySpecification
from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.scoring import ScoringEngine, ScoringEngineContainer
from domain.optimization.strategy import Requirements, Strategy
from domain.plans.action_types.declaration import ActionType, ResourceKind
from infrastructure.settings.declared import Undeclarable, declared

Problems = Iterator[str]

NAME = re.compile(r"[a-z][a-z0-9_.]*", re.ASCII)
LONGEST_NAME = 63
"""Characters; the API of the original has the same limit."""
HANDLER_METHODS = (
    "check",
    "start",
    "observe",
    "advance",
    "abort",
    "compensation",
    "deadline",
)
DATASOURCE_METHODS = ("open",)


def name_problems(declared: str, found: object) -> Problems:
    """Checks the name of a plug-in.

    Args:
        declared: that of the entry point.
        found: that of the plug-in.
    """
    if not NAME.fullmatch(declared) or len(declared) > LONGEST_NAME:
        yield (
            f"name: must be at most {LONGEST_NAME} lower-case letters, digits, _ and ., and begin "
            f"with a letter, which {declared!r} is not"
        )
    if found != declared:
        yield f"name: must be that of the entry point ({declared}), which {found!r} is not"


def goal_problems(goal: object) -> Problems:
    """Checks a goal."""
    if not isinstance(goal, Goal):
        yield _must_be(goal, "a Goal")
        return
    yield from _text(goal, "display_name")
    if not isinstance(goal.efficacy, EfficacySpecification):
        yield f"efficacy: {_must_be(goal.efficacy, 'an EfficacySpecification')}"
        return
    names = [one.name for one in goal.efficacy.indicators]
    yield from (f"efficacy: indicator {name} is doubled" for name in _doubled(names))
    for ratio in goal.efficacy.ratios:
        for part in (ratio.part, ratio.whole):
            if part not in names:
                yield f"efficacy: {ratio.name} is a ratio of {part}, which is no indicator"


def strategy_problems(kind: Any, goals: Iterable[str], planners: Iterable[str]) -> Problems:
    """Checks the class of a strategy.

    Args:
        kind: the class.
        goals: the installed ones.
        planners: the installed ones.
    """
    if not _is_concrete(kind, Strategy):
        yield _must_be(kind, "a concrete subclass of Strategy")
        return
    yield from _text(kind, "display_name")
    yield from _installed(kind, "goal", goals)
    yield from _installed(kind, "planner", planners)
    yield from _option_problems(kind)
    broken = list(_value_class_problems(kind, "parameters"))
    broken += _schema_problems(getattr(kind, "parameters_schema", None), "parameters_schema")
    yield from broken
    if not broken:
        strategy = kind()
        yield from _parameter_problems(strategy)
        required = strategy.requirements(strategy.parameters())
        if not isinstance(required, Requirements):
            yield f"requirements: {_must_be(required, 'Requirements')}"


def _parameter_problems(strategy: Strategy[Any]) -> Problems:
    """Compares the typed parameters with the published schema."""
    schema: Any = strategy.parameters_schema
    published, known = (
        schema.get("properties", {}),
        {one.name for one in fields(strategy.parameters)},
    )
    if set(published) != known:
        listed = ", ".join(sorted(set(published) ^ known))
        yield f"parameters_schema: must have the fields of parameters; they differ in {listed}"
        return
    try:
        given = typed(defaults_of(schema), strategy.parameters)
    except InvalidValue as error:
        yield f"parameters_schema: default of {error}"
        return
    if given != strategy.parameters():
        yield "parameters_schema: must have the defaults of parameters"


def planner_problems(kind: Any) -> Problems:
    """Checks the class of a planner."""
    if not _is_concrete(kind, Planner):
        yield _must_be(kind, "a concrete subclass of Planner")
        return
    yield from _option_problems(kind)


def action_type_problems(declared: object) -> Problems:
    """Checks the declaration of an action type."""
    if not isinstance(declared, ActionType):
        yield _must_be(declared, "an ActionType")
        return
    yield from _text(declared, "description")
    broken = list(_schema_problems(declared.schema, "schema"))
    yield from broken
    if not broken and "resource_id" not in _properties(declared.schema):
        yield "schema: must have the property resource_id"
    if not isinstance(declared.resource, ResourceKind):
        yield f"resource: {_must_be(declared.resource, 'a ResourceKind')}"
    for name, least in (("weight", 0), ("parallelization", 1)):
        number = getattr(declared, name)
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            yield f"{name}: must be a whole number, at least {least}, which {number!r} is not"
    if set(map(type, declared.changes)) - {ModelKind}:
        yield f"changes: {_must_be(declared.changes, 'kinds of models')}"
    if not callable(declared.checked):
        yield f"checked: {_must_be(declared.checked, 'callable')}"


def handler_problems(kind: object, action_types: Mapping[str, ActionType]) -> Problems:
    """Checks the class of an action handler.

    Args:
        kind: the class.
        action_types: the installed ones.
    """
    if not inspect.isclass(kind) or inspect.isabstract(kind):
        yield _must_be(kind, "a concrete class")
        return
    declared = getattr(kind, "declaration", None)
    if not isinstance(declared, ActionType):
        yield f"declaration: {_must_be(declared, 'an ActionType')}"
    elif action_types.get(declared.name) is not declared:
        yield f"declaration: action type {declared.name} is not installed, or is another one"
    yield from _option_problems(kind)
    yield from _methods(kind, HANDLER_METHODS)


def scoring_engine_problems(kind: Any) -> Problems:
    """Checks the class of a scoring engine."""
    if not _is_concrete(kind, ScoringEngine):
        yield _must_be(kind, "a concrete subclass of ScoringEngine")
        return
    yield from _engine_texts(kind)


def container_engines(kind: Any, taken: Container[str]) -> tuple[list[str], list[str]]:
    """The names of the engines of a container, and the rules that it breaks.

    Args:
        kind: the class of the container.
        taken: names of engines that are installed otherwise.
    """
    if not _is_concrete(kind, ScoringEngineContainer):
        return [], [_must_be(kind, "a concrete subclass of ScoringEngineContainer")]
    engines = list(kind().engines())
    names = [str(getattr(one, "name", "")) for one in engines]
    problems = [f"engines: {name} is doubled" for name in _doubled(names)]
    problems += [f"engines: {name} is installed otherwise" for name in names if name in taken]
    for one, name in zip(engines, names, strict=True):
        if not isinstance(one, ScoringEngine):
            problems.append(f"engines: {_must_be(one, 'a ScoringEngine')}")
        else:
            broken = [*name_problems(name, name), *_engine_texts(one)]
            problems += [f"engines: {name}: {problem}" for problem in broken]
    return names, problems


def _engine_texts(engine: object) -> Problems:
    for name in ("description", "metainfo", "version"):
        value = getattr(engine, name)
        if not isinstance(value, str):
            yield f"{name}: {_must_be(value, 'a text')}"


def datasource_problems(kind: object) -> Problems:
    """Checks the class of a datasource."""
    if not inspect.isclass(kind) or inspect.isabstract(kind):
        yield _must_be(kind, "a concrete class")
        return
    yield from _option_problems(kind)
    yield from _methods(kind, DATASOURCE_METHODS)


def _is_concrete(kind: object, base: type) -> bool:
    return inspect.isclass(kind) and issubclass(kind, base) and not inspect.isabstract(kind)


def _must_be(value: object, what: str) -> str:
    return f"must be {what}, which {value!r} is not"


def _text(owner: object, name: str) -> Problems:
    value = getattr(owner, name, None)
    if not isinstance(value, str) or not value.strip():
        yield f"{name}: {_must_be(value, 'a text')}"


def _installed(owner: object, name: str, known: Iterable[str]) -> Problems:
    value = getattr(owner, name, None)
    if value not in set(known):
        yield f"{name}: {_must_be(value, f'an installed {name}')}"


def _methods(kind: type, names: Iterable[str]) -> Problems:
    for name in names:
        if not callable(getattr(kind, name, None)):
            yield f"{name}: must be a method"


def _value_class_problems(owner: object, name: str) -> Problems:
    """Checks the class of parameters or options: a dataclass that needs no arguments."""
    kind = getattr(owner, name, None)
    if not inspect.isclass(kind) or not is_dataclass(kind):
        yield f"{name}: {_must_be(kind, 'a dataclass')}"
        return
    try:
        kind()
    except (TypeError, ValueError) as error:
        yield f"{name}: every field must have a valid default: {error}"


def _option_problems(owner: Any) -> Problems:
    """Checks the class of the options that an operator can set."""
    broken = list(_value_class_problems(owner, "options"))
    yield from broken
    if not broken:
        try:
            declared("", owner.options())
        except Undeclarable as error:
            yield f"options: {error}"


def _schema_problems(schema: object, name: str) -> Problems:
    """Checks a JSON Schema (draft 4) of an object."""
    if not isinstance(schema, Mapping):
        yield f"{name}: {_must_be(schema, 'a JSON Schema')}"
        return
    try:
        Draft4Validator.check_schema(dict(schema))
    except SchemaError as error:
        yield f"{name}: must be a JSON Schema (draft 4): {error.message}"


def _properties(schema: Any) -> Mapping[str, object]:
    found: Mapping[str, object] = schema.get("properties", {})
    return found


def _doubled(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
