"""The nouns of the command line, as data."""

from collections.abc import Callable, Mapping
from typing import Final

from interfaces.cli.nouns import audits, events, plans
from interfaces.cli.nouns.noun import Call, Column, Noun, Row, Verb
from interfaces.cli.nouns.removed import add_strategies, mark_removed
from interfaces.cli.nouns.verbs import add_target, add_targets, deleter, lister, shower

_UUID = Column("UUID", "uuid")
_NAME = Column("NAME", "name")
_CREATED = Column("CREATED", "created_at")
_MESSAGE = Column("MESSAGE", "status_message")


def _efficacy(row: Row) -> str | None:
    """The first global indicator: ``released_nodes_ratio 33 %``."""
    for one in row.get("global_efficacy") or ():
        return f"{one['name']} {one['value']:g} {one['unit'] or ''}".rstrip()
    return None


def _target(row: Row) -> str:
    """What an action acts on, and for a move from where to where."""
    given = row.get("input_parameters") or {}
    name = str(given.get("resource_name") or given.get("resource_id") or "-")
    source, to = given.get("source_node"), given.get("destination_node")
    return f"{name}: {source} -> {to}" if source and to else name


def _share(name: str) -> Column:
    """What is allocated of a resource of a host: ``12/32``."""

    def value(row: Row) -> str:
        capacity = row[name]["capacity"]
        return f"{row[name]['used']:g}/{'unlimited' if capacity is None else f'{capacity:g}'}"

    return Column(name.upper().replace("_", " "), value)


def _verb(name: str, text: str, run: Callable[[Call], int], example: str) -> Verb:
    """A verb that changes some objects and needs nothing else."""
    return Verb(name, text, run, add_targets, (example,))


AUDIT: Final = Noun(
    "audit",
    "audits",
    (
        _UUID,
        _NAME,
        Column("TYPE", "audit_type"),
        Column("STATE", "state"),
        Column("GOAL", "goal_name"),
        Column("STRATEGY", "strategy_name"),
        Column("NEXT RUN", "next_run_time"),
        Column("CREATED", "created_at", wide=True),
        Column("INTERVAL", "interval", wide=True),
        Column("AUTO TRIGGER", "auto_trigger", wide=True),
        Column("HOST", "hostname", wide=True),
        Column("MESSAGE", "status_message", wide=True),
    ),
    (
        lister("audit list", "audit list --filter goal=dummy --sort created_at:desc -o wide"),
        shower("audit show AUDIT", "audit show AUDIT -o yaml"),
        Verb(
            "create",
            "create one",
            audits.create_audit,
            audits.add_audit,
            (
                "audit create --name once --goal dummy",
                "audit create --template TEMPLATE --type continuous --interval 3600",
            ),
            shows=True,
        ),
        Verb(
            "update",
            "change one",
            audits.update_audit,
            audits.add_changes,
            ("audit update CONTINUOUS --interval 600",),
            shows=True,
        ),
        _verb("cancel", "cancel some", audits.cancel, "audit cancel CONTINUOUS"),
        _verb("suspend", "suspend running ones", audits.suspend, "audit suspend ONGOING"),
        _verb("resume", "resume suspended ones", audits.resume, "audit resume SUSPENDED"),
        _verb("trigger", "request a run of EVENT audits", audits.trigger, "audit trigger EVENT"),
        deleter("audit delete ENDED"),
    ),
    filters=("goal", "strategy"),
)
TEMPLATE: Final = Noun(
    "template",
    "audit_templates",
    (
        _UUID,
        _NAME,
        Column("GOAL", "goal_name"),
        Column("STRATEGY", "strategy"),
        Column("DESCRIPTION", "description"),
        Column("CREATED", "created_at", wide=True),
    ),
    (
        lister("template list", "template list --filter goal=dummy"),
        shower("template show TEMPLATE"),
        Verb(
            "create",
            "create one",
            audits.create_template,
            audits.add_template,
            ("template create nightly --goal dummy --strategy dummy",),
            shows=True,
        ),
        Verb(
            "update",
            "change one",
            audits.update_template,
            audits.add_template_changes,
            ("template update TEMPLATE --description 'each night'",),
            shows=True,
        ),
        deleter("template delete TEMPLATE"),
    ),
    filters=("goal", "strategy"),
    extend=mark_removed,
)
PLAN: Final = Noun(
    "plan",
    "action_plans",
    (
        _UUID,
        Column("STATE", "state"),
        Column("STRATEGY", "strategy_name"),
        Column("EFFICACY", _efficacy),
        _CREATED,
        Column("AUDIT", "audit_uuid", wide=True),
        Column("UPDATED", "updated_at", wide=True),
        Column("HOST", "hostname", wide=True),
        Column("MESSAGE", "status_message", wide=True),
    ),
    (
        lister("plan list", "plan list --filter audit_uuid=AUDIT -o name"),
        Verb(
            "show",
            "show one and its actions",
            plans.show,
            add_target,
            ("plan show PLAN", "plan show PLAN -o json"),
            shows=True,
        ),
        Verb(
            "estimate",
            "show how long one takes from now on",
            plans.estimate,
            add_target,
            ("plan estimate PLAN",),
            shows=True,
        ),
        Verb(
            "explain",
            "show the reasons of one",
            plans.explain,
            plans.add_explain,
            ("plan explain PLAN", "plan explain PLAN --server server-1"),
            shows=True,
        ),
        Verb("start", "start some", plans.start, plans.add_start, ("plan start PLAN --yes",)),
        Verb("cancel", "cancel some", plans.cancel, plans.add_cancel, ("plan cancel OTHER --yes",)),
        Verb(
            "return",
            "undo what one changed",
            plans.return_plan,
            plans.add_return,
            ("plan return DONE --no-wait",),
        ),
        deleter("plan delete DONE"),
    ),
    identity=("uuid",),
    filters=("audit_uuid", "strategy"),
)
ACTION: Final = Noun(
    "action",
    "actions",
    (
        _UUID,
        Column("TYPE", "action_type"),
        Column("STATE", "state"),
        Column("TARGET", _target),
        Column("PLAN", "action_plan_uuid", wide=True),
        _MESSAGE,
    ),
    (
        lister("action list --filter action_plan_uuid=PLAN"),
        shower("action show ACTION"),
        Verb(
            "skip",
            "skip some of a plan that has not begun",
            plans.skip,
            plans.add_skip,
            ("action skip ACTION --reason 'the server is in use'",),
        ),
    ),
    identity=("uuid",),
    filters=("action_plan_uuid", "audit_uuid"),
)
HOST: Final = Noun(
    "host",
    "hosts",
    (
        _NAME,
        Column("ZONE", "zone"),
        Column("STATUS", "status"),
        Column("STATE", "state"),
        Column("SERVERS", "servers"),
        *map(_share, ("vcpus", "memory_mb", "disk_gb")),
        Column("DISABLED REASON", "disabled_reason", wide=True),
        Column("UUID", "uuid", wide=True),
    ),
    (
        lister("host list", "host list --filter zone=east"),
        shower("host show HOST"),
    ),
    filters=("zone", "plan", "at"),
    sorts=False,
    details=False,
)
SERVER: Final = Noun(
    "server",
    "servers",
    (
        _UUID,
        _NAME,
        Column("HOST", "host"),
        Column("STATE", "state"),
        Column("VCPUS", "vcpus"),
        Column("MEMORY MB", "memory_mb"),
        Column("DISK GB", "disk_gb"),
        Column("PROJECT", "project", wide=True),
        Column("FLAVOR", "flavor", wide=True),
        Column("LOCKED", "locked", wide=True),
        Column("AFTER PLAN ON", "after_host", wide=True),
    ),
    (
        lister("server list --filter host=HOST", "server list --filter plan=PLAN -o wide"),
        shower("server show SERVER"),
    ),
    filters=("host", "project", "plan", "at"),
    sorts=False,
    details=False,
)
GOAL: Final = Noun(
    "goal",
    "goals",
    (
        _NAME,
        Column("STRATEGIES", "strategies"),
        Column("DISPLAY NAME", "display_name", wide=True),
        Column("UUID", "uuid", wide=True),
    ),
    (lister("goal list"), shower("goal show dummy")),
    extend=add_strategies,
)
STRATEGY: Final = Noun(
    "strategy",
    "strategies",
    (
        _NAME,
        Column("GOAL", "goal_name"),
        Column("DISPLAY NAME", "display_name"),
        Column("UUID", "uuid", wide=True),
    ),
    (
        lister("strategy list", "strategy list --filter goal=dummy"),
        shower("strategy show dummy"),
        Verb(
            "state",
            "show whether the requirements of one are met",
            events.strategy_state,
            add_target,
            ("strategy state dummy",),
            shows=True,
        ),
    ),
    filters=("goal",),
)
SERVICE: Final = Noun(
    "service",
    "services",
    (
        Column("ID", "id"),
        _NAME,
        Column("HOST", "host"),
        Column("STATUS", "status"),
        Column("LAST SEEN", "last_seen_up"),
    ),
    (lister("service list"),),
    identity=("id", "name"),
)
SCORING_ENGINE: Final = Noun(
    "scoring-engine",
    "scoring_engines",
    (_NAME, Column("DESCRIPTION", "description"), Column("UUID", "uuid", wide=True)),
    (lister("scoring-engine list"),),
)
EVENT: Final = Noun(
    "event",
    "events",
    (
        Column("POSITION", "position"),
        Column("AT", "at"),
        Column("ACTOR", "actor"),
        Column("TYPE", "type"),
        Column("SUMMARY", "summary"),
    ),
    (
        Verb(
            "list",
            "list them, or follow them",
            events.list_events,
            events.add_events,
            ("event list --limit 20", "event list --filter type=audit.requested -o json"),
            shows=True,
        ),
    ),
    identity=("position",),
    filters=("after", "type", "actor", "aggregate_id", "correlation_id", "since", "until"),
    sorts=False,
    details=False,
)
NOUNS: Final[Mapping[str, Noun]] = {
    one.name: one
    for one in (
        AUDIT,
        TEMPLATE,
        PLAN,
        ACTION,
        HOST,
        SERVER,
        GOAL,
        STRATEGY,
        SERVICE,
        SCORING_ENGINE,
        EVENT,
    )
}
"""Name → noun."""
