"""Commands on audits: create, change, delete, trigger."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.commands import names, parameters, patching
from application.commands.catalogue import DefinitionLookup, require_strategy
from application.commands.patching import Patch, Patchable
from application.commands.requested_actions import RequestedActions
from application.commands.scopes import patched_scope
from application.commands.times import checked_interval, instant
from application.kernel.unit_of_work import CommandResult, Commands, IdempotencyKey, Transaction
from application.ports.clock import Ids
from application.ports.read_models import GoalView, StrategyView
from domain.audit_templates import AuditTemplate
from domain.audits import Audit, AuditDefinition, AuditState, AuditType, RunCause
from domain.audits.schedule import Cron, following
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import IllegalTransition, InvalidValue, NotFound, Refusal, one_of
from domain.kernel.ids import as_uuid
from domain.kernel.metadata import Context, Metadata
from domain.reservations import AUDIT

PATCHABLE = Patchable(
    empty={
        "state": None,
        "name": None,
        "interval": None,
        "start_time": None,
        "end_time": None,
        "auto_trigger": False,
        "force": False,
        "parameters": {},
        "scope": [],
    },
    fixed=frozenset({"audit_type", "hostname", "next_run_time"}),
    mandatory=frozenset({"state", "name"}),
    no_add=frozenset({"start_time", "end_time"}),
    no_null=frozenset({"start_time", "end_time"}),
    internal=patching.INTERNAL | {"status_message"},
)
"""Which attributes of an audit a patch may change (docs/api.md, "Audits")."""


_YES = frozenset({"1", "t", "true", "on", "y", "yes"})
_NO = frozenset({"0", "f", "false", "off", "n", "no"})


class NewAudit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for an audit. Either a goal or an audit template is needed."""

    audit_type: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(AuditType)})]
    audit_template_uuid: str | None = None
    goal: str | None = None  # like strategy: by uuid, name or numeric id
    strategy: str | None = None
    name: str | None = None
    parameters: dict[str, Any] | UnsetType | None = UNSET
    interval: str | None = None
    auto_trigger: bool | str | int | None = None
    force: bool | str | int | None = None
    start_time: str | None = None  # like end_time: ISO 8601
    end_time: str | None = None

    def __post_init__(self) -> None:
        """Checks the form of the values.

        Raises:
            InvalidValue: the template is not given by uuid, or a flag is not a boolean.
        """
        if self.audit_template_uuid is not None and self.template is None:
            rule = f"must be a uuid, not {self.audit_template_uuid!r}"
            raise InvalidValue("audit_template_uuid", rule)
        self.auto_trigger = _flag("auto_trigger", self.auto_trigger)
        self.force = _flag("force", self.force)

    def check(self) -> None:
        """Checks what needs no lookup (docs/api.md).

        Raises:
            InvalidValue: values contradict each other.
        """
        kind = AuditType(one_of("audit_type", self.audit_type, AuditType))
        if self.audit_template_uuid is None and not self.goal:
            raise InvalidValue("goal", "must be given, unless audit_template_uuid is")
        if self.audit_template_uuid is not None and self.goal:
            raise InvalidValue("goal", "cannot be given together with audit_template_uuid")
        if kind is AuditType.ONESHOT and self.interval is not None:
            raise InvalidValue("interval", "is not allowed for a ONESHOT audit")
        if kind is AuditType.CONTINUOUS and self.interval is None:
            raise InvalidValue("interval", "is required for a CONTINUOUS audit")
        if kind is AuditType.ONESHOT and self.timed:
            raise InvalidValue("start_time", "is not allowed for a ONESHOT audit, nor is end_time")

    @property
    def template(self) -> UUID | None:
        """Id of the audit template to start from."""
        return as_uuid(self.audit_template_uuid or "")

    @property
    def timed(self) -> bool:
        """Whether it has a start or an end time."""
        return self.start_time is not None or self.end_time is not None


class AuditCommands:
    """Commands on audits.

    Args:
        commands: runs the decisions.
        definitions: the registered goals and strategies.
        ids: for new audits.
        cron: evaluates cron expressions; raises InvalidValue for an invalid one.
        requested: checks the actions that parameters list.
        zone: of times without an offset; None: the zone of this machine.
    """

    def __init__(
        self,
        commands: Commands,
        definitions: DefinitionLookup,
        ids: Ids,
        cron: Cron,
        requested: RequestedActions,
        zone: tzinfo | None = None,
    ) -> None:
        self._commands = commands
        self._definitions = definitions
        self._ids = ids
        self._cron = cron
        self._requested = requested
        self._zone = zone

    def create(
        self, metadata: Metadata, new: NewAudit, once: IdempotencyKey | None = None
    ) -> CommandResult[UUID]:
        """A new audit (``new.check()`` has passed).

        Raises:
            InvalidValue: the template is unknown or names a goal or strategy that was removed, the
                goal has no strategy, or a value breaks a rule.
            NotFound: goal or strategy is unknown.
            NameTaken: another audit has the name.
        """
        audit_id = self._ids.new()

        def decide(tx: Transaction, ctx: Context) -> UUID:
            template = _template(tx, new.template)
            goal, strategy = self._chosen(new, template)
            definition = self._definition(tx, ctx, new, template, goal, strategy)
            names.reserve(tx, ctx, AUDIT, definition.name, audit_id)
            tx.add(Audit.request(ctx, audit_id, definition))
            return audit_id

        return self._commands.run(metadata, decide, once)

    def change(self, metadata: Metadata, audit_id: UUID, patch: Patch) -> CommandResult[UUID]:
        """Applies a patch (statically checked) as a whole.

        Raises:
            NotFound: there is no such audit.
            InvalidValue: an operation or a value breaks a rule.
            IllegalTransition: the state machine does not have the transition.
            NameTaken: another audit has the new name.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            audit = _existing(tx, audit_id)
            after = PATCHABLE.applied(_document(audit), patch)
            wanted = after.pop("state", None) if "state" in after else audit.state
            changes = self._changes(audit, after, ctx.at)
            if "name" in changes:
                names.rename(tx, ctx, AUDIT, audit.name, str(changes["name"]), audit_id)
            audit.change(ctx, changes)
            if "state" in patching.touched(patch):
                _move(tx, ctx, audit, wanted)
            return audit_id

        return self._commands.run(metadata, decide)

    def delete(self, metadata: Metadata, audit_id: UUID) -> CommandResult[None]:
        """Deletes an audit and releases its name.

        Raises:
            NotFound: there is no such audit.
            DeleteRefused: it is pending or ongoing, or was deleted before.
        """

        def decide(tx: Transaction, ctx: Context) -> None:
            audit = tx.get(Audit, audit_id)
            audit.delete(ctx)
            names.release(tx, ctx, AUDIT, audit.name, audit_id)

        return self._commands.run(metadata, decide)

    def trigger(
        self, metadata: Metadata, audit_id: UUID, once: IdempotencyKey | None = None
    ) -> CommandResult[UUID]:
        """Requests a run of an EVENT audit; nothing if a run is waiting to start.

        Raises:
            NotFound: there is no such audit.
            InvalidValue: it is not an EVENT audit.
            Refusal: it is running, suspended or has ended.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            audit = _existing(tx, audit_id)
            if audit.audit_type is not AuditType.EVENT:
                raise InvalidValue("audit_type", f"must be EVENT, not {audit.audit_type}")
            if audit.state not in {AuditState.PENDING, AuditState.SUCCEEDED, AuditState.FAILED}:
                raise Refusal(f"Audit {audit_id} cannot be triggered while it is {audit.state}.")
            if audit.run is None:
                audit.request_run(ctx, following(audit.last_due, ctx.at), RunCause.WEBHOOK)
            return audit_id

        return self._commands.run(metadata, decide, once)

    # -- parts of creation -----------------------------------------------------------------------

    def _chosen(
        self, new: NewAudit, template: AuditTemplate | None
    ) -> tuple[GoalView, StrategyView | None]:
        goal = new.goal or (template.goal if template else "")
        found = self._definitions.goal(goal)
        if found is None:
            raise _unknown("Goal", goal, None if new.goal else template)
        strategy = new.strategy or (template.strategy if template else None)
        if not strategy:
            require_strategy(self._definitions, found.name)
            return found, None
        chosen = self._definitions.strategy(strategy)
        if chosen is None:
            raise _unknown("Strategy", strategy, None if new.strategy else template)
        return found, chosen

    def _definition(
        self,
        tx: Transaction,
        ctx: Context,
        new: NewAudit,
        template: AuditTemplate | None,
        goal: GoalView,
        strategy: StrategyView | None,
    ) -> AuditDefinition:
        chosen = parameters.for_audit(
            strategy.parameters_spec if strategy else None,
            None if new.parameters is UNSET else new.parameters,
            template.default_parameters if template else None,
            omitted=new.parameters is UNSET,
        )
        if strategy is not None:
            self._requested.check(strategy.name, chosen)
        base = strategy.name if strategy else template.name if template else goal.name
        return AuditDefinition(
            name=new.name[: names.LONGEST] if new.name else _generated(tx, base, ctx.at),
            audit_type=AuditType(new.audit_type),
            goal=goal.name,
            strategy=strategy.name if strategy else None,
            parameters=chosen,
            scope=list(template.scope) if template else [],
            interval=self._interval(new.interval, ctx.at),
            auto_trigger=bool(new.auto_trigger),
            force=bool(new.force),
            start_time=self._time("start_time", new.start_time),
            end_time=self._time("end_time", new.end_time),
        )

    def _interval(self, value: str | None, now: datetime) -> str | None:
        return None if value is None else checked_interval(value, self._cron, now)

    def _time(self, name: str, value: str | None) -> datetime | None:
        return None if value is None else instant(name, value, self._zone)

    # -- parts of a change -----------------------------------------------------------------------

    def _changes(self, audit: Audit, after: Mapping[str, Any], now: datetime) -> JsonObject:
        changes: dict[str, Any] = {}
        for name, value in after.items():
            checked = self._checked(audit, name, value, now)
            if checked != _document(audit)[name]:
                changes[name] = checked
        return changes

    def _checked(self, audit: Audit, name: str, value: object, now: datetime) -> object:
        if name == "interval":
            return self._changed_interval(audit, value, now)
        if name in {"start_time", "end_time"}:
            return self._changed_time(name, value)
        return _CHECKS[name](name, value)

    def _changed_interval(self, audit: Audit, value: object, now: datetime) -> str | None:
        if value is not None:
            return checked_interval(patching.text("interval", value), self._cron, now)
        if audit.audit_type is AuditType.CONTINUOUS:
            raise InvalidValue("interval", "is required for a CONTINUOUS audit")
        return None

    def _changed_time(self, name: str, value: object) -> str | None:
        if value is None:
            return None
        return instant(name, patching.text(name, value), self._zone).isoformat()


def _template(tx: Transaction, template_id: UUID | None) -> AuditTemplate | None:
    if template_id is None:
        return None
    template = tx.find(AuditTemplate, template_id)
    if template is None or template.deleted:
        raise InvalidValue("audit_template_uuid", f"names no audit template: {template_id}")
    return template


def _unknown(kind: str, name: str, template: AuditTemplate | None) -> Exception:
    """The error for a goal or strategy that is not registered; ``template``: which names it."""
    if template is None:
        return NotFound(kind, name)
    rule = f"template {template.name} names {kind.lower()} {name}, which is not installed any more"
    return InvalidValue("audit_template_uuid", rule)


def _existing(tx: Transaction, audit_id: UUID) -> Audit:
    audit = tx.get(Audit, audit_id)
    if audit.state is AuditState.DELETED:
        raise NotFound("Audit", audit_id)
    return audit


def _move(tx: Transaction, ctx: Context, audit: Audit, wanted: object) -> None:
    try:
        state = AuditState(str(wanted))
    except ValueError:
        raise IllegalTransition("Audit", audit.state, str(wanted)) from None
    audit.move(ctx, state)
    if state is AuditState.DELETED:
        names.release(tx, ctx, AUDIT, audit.name, audit.id)


def _document(audit: Audit) -> dict[str, Any]:
    values = {name: getattr(audit, name) for name in PATCHABLE.empty}
    return values | {name: _iso(values[name]) for name in ("start_time", "end_time")}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _name(attribute: str, value: object) -> str:
    name = patching.text(attribute, value, names.LONGEST)
    if not name:
        raise InvalidValue(attribute, "must not be empty")
    return name


_CHECKS: Mapping[str, Callable[[str, object], object]] = {
    "name": _name,
    "auto_trigger": patching.boolean,
    "force": patching.boolean,
    "parameters": patching.mapping,
    "scope": patched_scope,
}


def _flag(name: str, value: bool | str | int | None) -> bool:  # noqa: FBT001 - lenient by contract
    text = str(value if value is not None else "no").strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise InvalidValue(name, f"must be true or false, not {value!r}")


def _generated(tx: Transaction, base: str, now: datetime) -> str:
    """``<base>-<time>``, the base shortened so that the time, which makes it unique, stays."""
    moment = now.astimezone(UTC).replace(tzinfo=None)
    while True:
        suffix = "-" + moment.isoformat(timespec="microseconds")
        name = base[: names.LONGEST - len(suffix)] + suffix
        if names.free(tx, AUDIT, name):
            return name
        moment += timedelta(microseconds=1)
