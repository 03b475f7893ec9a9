"""Audits and audit templates, as the API takes and shows them (rest-api 2.3, 2.4, 4.1)."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.commands.audit_templates import NewTemplate
from application.commands.audits import NewAudit
from application.ports.read_models import AuditTemplateView, AuditView
from domain.audits import AuditState, AuditType
from domain.kernel.errors import InvalidValue
from interfaces.rest.call import as_uuid
from interfaces.rest.schemas.common import Link, Look, naive, one_of, stamp, to_the_second

FORCE_SINCE = 2
TIMES_SINCE = 1
MESSAGE_SINCE = 5
DEFAULTS_SINCE = 7

_YES = frozenset({"1", "t", "true", "on", "y", "yes"})
_NO = frozenset({"0", "f", "false", "off", "n", "no"})


class AuditBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for an audit. Either a goal or an audit template is needed."""

    audit_type: Annotated[str, one_of(AuditType)]
    audit_template_uuid: str | None = None
    goal: str | None = None
    strategy: str | None = None
    name: str | None = None
    parameters: dict[str, Any] | UnsetType | None = UNSET
    interval: str | None = None
    auto_trigger: bool | str | int | None = None
    force: bool | str | int | None = None
    start_time: str | None = None
    end_time: str | None = None

    def request(self) -> NewAudit:
        """The request as the application takes it.

        Raises:
            InvalidValue: the template is not named by its uuid, or a flag is neither yes nor no.
        """
        return NewAudit(
            audit_type=self.audit_type,
            template=_template(self.audit_template_uuid),
            goal=self.goal,
            strategy=self.strategy,
            name=self.name,
            parameters=None if self.parameters is UNSET else self.parameters,
            parameters_omitted=self.parameters is UNSET,
            interval=self.interval,
            auto_trigger=_flag("auto_trigger", self.auto_trigger),
            force=_flag("force", self.force),
            start_time=self.start_time,
            end_time=self.end_time,
        )


class AuditTemplateBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for an audit template."""

    name: str
    goal: str
    strategy: str | None = None
    description: str | None = None
    scope: Any = None
    default_parameters: dict[str, Any] | None = None

    def request(self) -> NewTemplate:
        """The request as the application takes it."""
        return NewTemplate(
            name=self.name,
            goal=self.goal,
            strategy=self.strategy,
            description=self.description,
            scope=self.scope,
            default_parameters=self.default_parameters,
        )


class AuditDocument(msgspec.Struct, kw_only=True):
    """A request to optimise."""

    uuid: UUID
    name: str
    audit_type: Annotated[str, one_of(AuditType)]
    state: Annotated[str, one_of(AuditState)]
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    interval: str | None
    scope: list[Any]
    auto_trigger: bool
    next_run_time: str | None
    force: bool
    links: list[Link]
    parameters: dict[str, Any] | UnsetType = UNSET
    hostname: str | UnsetType | None = UNSET
    start_time: str | UnsetType | None = UNSET
    end_time: str | UnsetType | None = UNSET
    status_message: str | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class AuditTemplateDocument(msgspec.Struct, kw_only=True):
    """A named goal with perhaps a strategy, a scope and default parameters."""

    uuid: UUID
    name: str
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    scope: list[Any]
    links: list[Link]
    description: str | UnsetType | None = UNSET
    default_parameters: dict[str, Any] | UnsetType = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


def audit(view: AuditView, look: Look) -> AuditDocument:
    """An audit as a request may see it."""
    return AuditDocument(
        uuid=view.uuid,
        name=view.name,
        audit_type=view.audit_type,
        state=view.state,
        goal_uuid=view.goal_uuid,
        goal_name=view.goal_name,
        strategy_uuid=view.strategy_uuid,
        strategy_name=view.strategy_name,
        interval=view.interval,
        scope=view.scope,
        auto_trigger=view.auto_trigger,
        next_run_time=to_the_second(view.next_run_time),
        force=view.force if look.detail and look.minor >= FORCE_SINCE else False,
        links=look.links("audits", view.uuid),
        parameters=look.detailed(dict(view.parameters)),
        hostname=look.detailed(view.hostname),
        start_time=look.detailed(naive(view.start_time), TIMES_SINCE),
        end_time=look.detailed(naive(view.end_time), TIMES_SINCE),
        status_message=look.detailed(view.status_message, MESSAGE_SINCE),
        created_at=look.detailed(stamp(view.created_at)),
        updated_at=look.detailed(stamp(view.updated_at)),
        deleted_at=look.detailed(stamp(view.deleted_at)),
    )


def audit_template(view: AuditTemplateView, look: Look) -> AuditTemplateDocument:
    """An audit template as a request may see it."""
    return AuditTemplateDocument(
        uuid=view.uuid,
        name=view.name,
        goal_uuid=view.goal_uuid,
        goal_name=view.goal_name,
        strategy_uuid=view.strategy_uuid,
        strategy_name=view.strategy_name,
        scope=view.scope,
        links=look.links("audit_templates", view.uuid),
        description=look.detailed(view.description),
        default_parameters=look.detailed(dict(view.default_parameters), DEFAULTS_SINCE),
        created_at=look.detailed(stamp(view.created_at)),
        updated_at=look.detailed(stamp(view.updated_at)),
        deleted_at=look.detailed(stamp(view.deleted_at)),
    )


def _template(text: str | None) -> UUID | None:
    if text is None:
        return None
    found = as_uuid(text)
    if found is None:
        raise InvalidValue("audit_template_uuid", f"must be a uuid, not {text!r}")
    return found


def _flag(name: str, value: bool | str | int | None) -> bool:  # noqa: FBT001 - lenient by contract
    told = str(value if value is not None else "no").strip().lower()
    if told in _YES:
        return True
    if told in _NO:
        return False
    raise InvalidValue(name, f"must be true or false, not {value!r}")
