"""Commands on audit templates: create, change, delete."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from application.commands import names, parameters, patching
from application.commands.catalogue import DefinitionLookup, require_strategy
from application.commands.patching import ParsedOperation, Patch, Patchable
from application.commands.requested_actions import RequestedActions
from application.commands.scopes import checked_scope, patched_scope
from application.kernel.errors import DefaultsInTheWay
from application.kernel.unit_of_work import CommandResult, Commands, IdempotencyKey, Transaction
from application.ports.clock import Ids
from application.ports.read_models import GoalView, StrategyView
from domain.audit_templates import AuditTemplate
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.metadata import Context, Metadata
from domain.reservations import AUDIT_TEMPLATE

LONGEST_DESCRIPTION = 255

PATCHABLE = Patchable(
    empty={
        "name": None,
        "description": None,
        "goal": None,
        "strategy": None,
        "scope": [],
        "default_parameters": {},
    },
    mandatory=frozenset({"name", "goal"}),
)
"""Which attributes of a template a patch may change (docs/api.md, "Audit templates")."""


class NewTemplate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for an audit template. Goal and strategy are given by uuid or name."""

    name: str
    goal: str
    strategy: str | None = None
    description: str | None = None
    scope: Any = None
    default_parameters: dict[str, Any] | None = None


class AuditTemplateCommands:
    """Commands on audit templates.

    Args:
        commands: runs the decisions.
        definitions: the registered goals and strategies.
        ids: for new templates.
        requested: checks the actions that default parameters list.
    """

    def __init__(
        self,
        commands: Commands,
        definitions: DefinitionLookup,
        ids: Ids,
        requested: RequestedActions,
    ) -> None:
        self._commands = commands
        self._definitions = definitions
        self._ids = ids
        self._requested = requested

    def resolved(self, new: NewTemplate) -> NewTemplate:
        """A request, checked, with the registered names of its goal and strategy.

        Raises:
            InvalidValue: goal or strategy is unknown, the goal has no strategy, or a value breaks
                a rule.
        """
        patching.text("name", new.name, names.LONGEST)
        if new.description is not None:
            patching.text("description", new.description, LONGEST_DESCRIPTION)
        goal = self._goal(new.goal)
        strategy = self._strategy(new.strategy) if new.strategy else None
        if strategy is None:
            require_strategy(self._definitions, goal.name)
        if strategy is not None and strategy.goal_name != goal.name:
            rule = f"{strategy.name} belongs to goal {strategy.goal_name}, not to {goal.name}"
            raise InvalidValue("strategy", rule)
        return msgspec.structs.replace(
            new,
            goal=goal.name,
            strategy=strategy.name if strategy else None,
            scope=checked_scope(new.scope),
        )

    def create(
        self, metadata: Metadata, new: NewTemplate, once: IdempotencyKey | None = None
    ) -> CommandResult[UUID]:
        """A new template (``resolved``).

        Raises:
            InvalidValue: the default parameters do not fit the strategy.
            NameTaken: another template has the name.
        """
        self._check_defaults(new.default_parameters or {}, new.strategy)
        template_id = self._ids.new()

        def decide(tx: Transaction, ctx: Context) -> UUID:
            names.reserve(tx, ctx, AUDIT_TEMPLATE, new.name, template_id)
            tx.add(AuditTemplate.create(ctx, template_id, **msgspec.structs.asdict(new)))
            return template_id

        return self._commands.run(metadata, decide, once)

    def resolved_patch(self, patch: Patch) -> Patch:
        """A patch, statically checked, with the registered names of its goal and strategy.

        Raises:
            InvalidValue: an operation is malformed, or goal or strategy is unknown.
        """
        PATCHABLE.check(patch)
        return [self._named(operation) for operation in patch]

    def change(self, metadata: Metadata, template_id: UUID, patch: Patch) -> CommandResult[UUID]:
        """Applies a patch (``resolved_patch``) as a whole.

        Raises:
            NotFound: there is no such template.
            DefaultsInTheWay: goal or strategy would change under default parameters.
            InvalidValue: a value breaks a rule.
            NameTaken: another template has the new name.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            template = _existing(tx, template_id)
            attributes = set(patching.touched(patch))
            moved = attributes & {"goal", "strategy"}
            unchanged = not patching.exactly(patch, "/default_parameters")
            if template.default_parameters and moved and unchanged:
                raise DefaultsInTheWay
            changes = _changes(template, patch)
            if attributes & {"default_parameters", "strategy"}:
                self._check_defaults(
                    changes.get("default_parameters", template.default_parameters),
                    changes.get("strategy", template.strategy),
                )
            if {"goal", "strategy"} & set(changes):
                self._require_choice(
                    {"goal": template.goal, "strategy": template.strategy} | changes
                )
            if "name" in changes:
                names.rename(
                    tx, ctx, AUDIT_TEMPLATE, template.name, str(changes["name"]), template_id
                )
            template.change(ctx, changes)
            return template_id

        return self._commands.run(metadata, decide)

    def delete(self, metadata: Metadata, template_id: UUID) -> CommandResult[None]:
        """Deletes a template and releases its name.

        Raises:
            NotFound: there is no such template.
        """

        def decide(tx: Transaction, ctx: Context) -> None:
            template = _existing(tx, template_id)
            template.delete(ctx)
            names.release(tx, ctx, AUDIT_TEMPLATE, template.name, template_id)

        return self._commands.run(metadata, decide)

    # -- goals, strategies, default parameters ---------------------------------------------------

    def _goal(self, ident: str) -> GoalView:
        numeric = ident.isdecimal()  # an internal id: not offered for goals
        found = None if numeric or not ident else self._definitions.goal(ident)
        if found is None:
            raise InvalidValue("goal", f"names no goal: {ident!r}")
        return found

    def _strategy(self, ident: str) -> StrategyView:
        found = self._definitions.strategy(ident)
        if found is None:
            raise InvalidValue("strategy", f"names no strategy: {ident!r}")
        return found

    def _require_choice(self, after: JsonObject) -> None:
        if not after["strategy"]:
            require_strategy(self._definitions, str(after["goal"]))

    def _named(self, operation: ParsedOperation) -> ParsedOperation:
        attribute = operation.attribute
        if attribute not in {"goal", "strategy"} or operation.op == "remove":
            return operation
        if not operation.whole:
            raise InvalidValue(operation.path, "is inside of a plain value")
        if operation.value in (None, ""):
            return ParsedOperation(operation.op, operation.path, None)
        ident = patching.text(attribute, operation.value)
        found = self._goal(ident) if attribute == "goal" else self._strategy(ident)
        return ParsedOperation(operation.op, operation.path, found.name)

    def _check_defaults(self, value: object, strategy: object) -> None:
        found = self._definitions.strategy(str(strategy)) if strategy else None
        if strategy and found is None:
            raise InvalidValue("strategy", f"{strategy} is not registered any more")
        defaults = patching.mapping("default_parameters", value)
        if not defaults:
            return
        if found is None:
            raise InvalidValue("default_parameters", "need a strategy")
        if found.parameters_spec:
            parameters.check(found.parameters_spec, defaults, "default_parameters")
            self._requested.check(found.name, defaults, "default_parameters")


def _changes(template: AuditTemplate, patch: Patch) -> JsonObject:
    document = {name: getattr(template, name) for name in PATCHABLE.empty}
    after = PATCHABLE.applied(document, patch)
    if after.get("goal", "") is None:
        del after["goal"]  # null leaves the goal as it is
    changes: dict[str, Any] = {}
    for name, value in after.items():
        checked = _CHECKS[name](name, value)
        if checked != document[name]:
            changes[name] = checked
    return changes


def _existing(tx: Transaction, template_id: UUID) -> AuditTemplate:
    template = tx.get(AuditTemplate, template_id)
    if template.deleted:
        raise NotFound("AuditTemplate", template_id)
    return template


def _name(attribute: str, value: object) -> str:
    return patching.text(attribute, value, names.LONGEST)


def _description(attribute: str, value: object) -> str | None:
    return None if value is None else patching.text(attribute, value, LONGEST_DESCRIPTION)


def _as_is(_: str, value: object) -> object:
    return value


def _parameters(attribute: str, value: object) -> dict[str, Any]:
    return {} if value == [] else patching.mapping(attribute, value)


_CHECKS: Mapping[str, Callable[[str, object], object]] = {
    "name": _name,
    "description": _description,
    "goal": _as_is,
    "strategy": _as_is,
    "scope": patched_scope,
    "default_parameters": _parameters,
}
