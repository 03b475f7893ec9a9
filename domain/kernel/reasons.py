"""The closed vocabulary of reasons. Reasons are data; sentences are rendered from them.

Every rejection, skip, failure, deferral, empty plan and supersession carries a ``Reason`` and the
facts that its sentence needs. docs/reasons.md lists them; a test keeps the two equal.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.kernel.aggregate import JsonObject


class Reason(StrEnum):
    """Why something was done or not done. The value is the stable code stored in events."""

    # audits and runs
    CANCELLED_BY_USER = "cancelled-by-user"
    SET_BY_USER = "set-by-user"
    END_TIME_PASSED = "end-time-passed"
    PLAN_IN_PROGRESS = "plan-in-progress"
    STRATEGY_UNKNOWN = "strategy-unknown"
    NO_STRATEGY_FOR_GOAL = "no-strategy-for-goal"
    PARAMETERS_INVALID = "parameters-invalid"
    CLOUD_UNREACHABLE = "cloud-unreachable"
    CLOUD_REFUSED = "cloud-refused"
    METRICS_UNAVAILABLE = "metrics-unavailable"
    SCOPE_INVALID = "scope-invalid"
    MODEL_EMPTY = "model-empty"
    MODEL_STALE = "model-stale"
    MODEL_NOT_KEPT = "model-not-kept"
    STORAGE_EMPTY = "storage-empty"
    BAREMETAL_EMPTY = "baremetal-empty"
    STRATEGY_FAILED = "strategy-failed"
    INTERNAL_ERROR = "internal-error"
    OWNER_LOST = "owner-lost"
    OWNER_RETIRED = "owner-retired"
    OWNER_RESUMED = "owner-resumed"
    OWNER_STOPPING = "owner-stopping"
    WORKERS_LOST = "workers-lost"
    # plans
    NOTHING_TO_DO = "nothing-to-do"
    SUPERSEDED_BY_RUN = "superseded-by-run"
    EXPIRED = "expired"
    SOME_ACTIONS_SKIPPED = "some-actions-skipped"
    SOME_ACTIONS_FAILED = "some-actions-failed"
    # actions
    SKIPPED_BY_USER = "skipped-by-user"
    PLAN_CANCELLED = "plan-cancelled"
    REQUIREMENT_FAILED = "requirement-failed"
    SERVER_NOT_FOUND = "server-not-found"
    SERVER_NOT_ON_SOURCE = "server-not-on-source"
    SERVER_STATE_UNSUITABLE = "server-state-unsuitable"
    SERVER_LOCKED = "server-locked"
    DESTINATION_NOT_FOUND = "destination-not-found"
    DESTINATION_DISABLED = "destination-disabled"
    DESTINATION_DOWN = "destination-down"
    ALREADY_AT_DESTINATION = "already-at-destination"
    SERVICE_NOT_FOUND = "service-not-found"
    SERVICE_ALREADY_IN_STATE = "service-already-in-state"
    ACTION_TYPE_UNKNOWN = "action-type-unknown"
    ACTION_PARAMETERS_INVALID = "action-parameters-invalid"
    ASKED_FOR = "asked-for"
    FLAVOR_NOT_FOUND = "flavor-not-found"
    FLAVOR_ALREADY_SET = "flavor-already-set"
    SERVER_ALREADY_IN_STATE = "server-already-in-state"
    EFFECT_UNDONE = "effect-undone"
    MIGRATION_REFUSED = "migration-refused"
    MIGRATION_FAILED = "migration-failed"
    MIGRATION_ABORTED = "migration-aborted"
    LANDED_ELSEWHERE = "landed-elsewhere"
    DEADLINE_PASSED = "deadline-passed"
    OUTCOME_UNKNOWN = "outcome-unknown"
    # placement and optimisation: moves and what was not moved
    REQUESTED_BY_PARAMETERS = "requested-by-parameters"
    FREES_HOST = "frees-host"
    RELIEVES_OVERLOAD = "relieves-overload"
    WAKES_HOST = "wakes-host"
    HOST_EMPTIED = "host-emptied"
    HOST_NOT_EMPTIABLE = "host-not-emptiable"
    NO_LEGAL_HOST = "no-legal-host"
    EXCLUDED_BY_OPERATOR = "excluded-by-operator"
    OPERATOR_RULE = "operator-rule"
    CAPACITY_SHORT = "capacity-short"
    ROOM_HELD_BY_OTHERS = "room-held-by-others"
    UTILISATION_SHORT = "utilisation-short"
    HOST_DISABLED = "host-disabled"
    HOST_DOWN = "host-down"
    HOST_PARTLY_UNKNOWN = "host-partly-unknown"
    MOVES_IN_FLIGHT = "moves-in-flight"
    OTHER_ZONE = "other-zone"
    AGGREGATE_MISMATCH = "aggregate-mismatch"
    TRAIT_MISSING = "trait-missing"
    GROUP_AFFINITY = "group-affinity"
    GROUP_ANTI_AFFINITY = "group-anti-affinity"
    CPU_PINNING = "cpu-pinning"
    PCI_DEVICES = "pci-devices"
    NUMA_CELLS = "numa-cells"
    NUMA_UNKNOWN = "numa-unknown"
    NUMA_UNCHECKED = "numa-unchecked"
    SAME_HOST = "same-host"
    METRIC_UNKNOWN = "metric-unknown"
    # collection
    SERVICE_ABSENT = "service-absent"
    SCOPE_NAME_UNKNOWN = "scope-name-unknown"
    UNKNOWN_HOST = "unknown-host"
    DUPLICATE_HOST = "duplicate-host"
    BAD_VALUE = "bad-value"
    FLAVOR_MISSING = "flavor-missing"
    # notifications
    PIN_UNKNOWN = "pin-unknown"
    TYPE_UNKNOWN = "type-unknown"
    NEEDS_COLLECTION = "needs-collection"


_SENTENCES: dict[Reason, str] = {
    Reason.CANCELLED_BY_USER: "Cancelled by user.",
    Reason.SET_BY_USER: "State set by user.",
    Reason.END_TIME_PASSED: "The audit's end time has passed.",
    Reason.PLAN_IN_PROGRESS: "Action plan {plan} is ongoing.",
    Reason.STRATEGY_UNKNOWN: "Strategy {strategy} is not registered.",
    Reason.NO_STRATEGY_FOR_GOAL: "No strategy is registered for goal {goal}.",
    Reason.PARAMETERS_INVALID: "The strategy parameters are invalid: {error}",
    Reason.CLOUD_UNREACHABLE: "The cloud could not be reached: {error}",
    Reason.CLOUD_REFUSED: "The cloud refused the request: {error}",
    Reason.METRICS_UNAVAILABLE: "The metrics could not be read: {error}",
    Reason.SCOPE_INVALID: "The audit scope is invalid: {error}",
    Reason.MODEL_EMPTY: "The audit scope selects no compute host.",
    Reason.MODEL_STALE: (
        "The cluster model is {age} s old, at most {limit} s are allowed, and the cloud cannot "
        "be read: {error}"
    ),
    Reason.MODEL_NOT_KEPT: (
        "The strategy needs the {kind} model, which [collector] collector_plugins does not list."
    ),
    Reason.STORAGE_EMPTY: "The audit scope selects no storage pool.",
    Reason.BAREMETAL_EMPTY: "The audit scope selects no bare-metal machine.",
    Reason.STRATEGY_FAILED: "The strategy failed: {error}",
    Reason.INTERNAL_ERROR: "Internal error: {error}",
    Reason.OWNER_LOST: "Worker {owner} was lost; {successor} took over.",
    Reason.OWNER_RETIRED: "Worker {owner} stopped; {successor} took over.",
    Reason.OWNER_RESUMED: "Worker {owner} resumed its own claim.",
    Reason.OWNER_STOPPING: "Worker {owner} is stopping and released its claim.",
    Reason.WORKERS_LOST: (
        "Given up: {count} workers were lost while they worked on it, most recently {last}."
    ),
    Reason.NOTHING_TO_DO: "The strategy found nothing to improve.",
    Reason.SUPERSEDED_BY_RUN: "A newer run of the audit replaced this plan.",
    Reason.EXPIRED: "The plan was not launched within {hours} hours.",
    Reason.SOME_ACTIONS_SKIPPED: "One or more actions were skipped.",
    Reason.SOME_ACTIONS_FAILED: "{failed} of {total} actions failed.",
    Reason.SKIPPED_BY_USER: "Action skipped by user.",
    Reason.PLAN_CANCELLED: "The action plan was cancelled before the action started.",
    Reason.REQUIREMENT_FAILED: "Action {action}, which this one requires, did not succeed.",
    Reason.SERVER_NOT_FOUND: "server {server} does not exist",
    Reason.SERVER_NOT_ON_SOURCE: "server {server} is on {host}, not on {source}",
    Reason.SERVER_STATE_UNSUITABLE: "server {server} is {status}, which does not allow the action",
    Reason.SERVER_LOCKED: "server {server} is locked",
    Reason.DESTINATION_NOT_FOUND: "destination {host} is not a compute host",
    Reason.DESTINATION_DISABLED: "destination {host} is disabled",
    Reason.DESTINATION_DOWN: "destination {host} is down",
    Reason.ALREADY_AT_DESTINATION: "server {server} is already on {host}",
    Reason.SERVICE_NOT_FOUND: "{host} has no nova-compute service",
    Reason.SERVICE_ALREADY_IN_STATE: "nova-compute on {host} is already {state}",
    Reason.ACTION_TYPE_UNKNOWN: "action type {type} does not exist",
    Reason.ACTION_PARAMETERS_INVALID: "the action parameters are invalid: {error}",
    Reason.ASKED_FOR: "{outcome}",
    Reason.FLAVOR_NOT_FOUND: "flavor {flavor} does not exist",
    Reason.FLAVOR_ALREADY_SET: "server {server} already has flavor {flavor}",
    Reason.SERVER_ALREADY_IN_STATE: "server {server} is already {status}",
    Reason.EFFECT_UNDONE: "the change was reverted outside Vigil: {error}",
    Reason.MIGRATION_REFUSED: "the cloud refused to migrate server {server}: {error}",
    Reason.MIGRATION_FAILED: "migration {migration} of server {server} ended as {status}",
    Reason.MIGRATION_ABORTED: "migration {migration} of server {server} was aborted",
    Reason.LANDED_ELSEWHERE: "server {server} was migrated to {host} instead of {destination}",
    Reason.DEADLINE_PASSED: "not finished within {seconds} s",
    Reason.OUTCOME_UNKNOWN: "the outcome is unknown: {error}",
    Reason.REQUESTED_BY_PARAMETERS: "requested in the parameters of {strategy}",
    Reason.FREES_HOST: "moving {server} helps to empty {source}",
    Reason.RELIEVES_OVERLOAD: (
        "moving {server} relieves {source}: {used} of {capacity} cores in use"
    ),
    Reason.WAKES_HOST: "{host} is needed as a destination",
    Reason.HOST_EMPTIED: "{host} has no servers after the plan",
    Reason.HOST_NOT_EMPTIABLE: "{host} cannot be emptied: server {server} fits on no other host",
    Reason.NO_LEGAL_HOST: "no host can take server {server}",
    Reason.EXCLUDED_BY_OPERATOR: "{resource} is excluded by the audit's scope",
    Reason.OPERATOR_RULE: "an operator rule does not allow {server} on {host}",
    Reason.CAPACITY_SHORT: "{host} lacks {resource}: {needed} needed, {free} free",
    Reason.ROOM_HELD_BY_OTHERS: (
        "{host} lacks {resource}: {needed} needed, {free} free; {held} are allocated to other "
        "consumers: {holders}"
    ),
    Reason.UTILISATION_SHORT: "{host} is too busy: {resource} {needed} needed, {free} left",
    Reason.HOST_DISABLED: "{host} is disabled",
    Reason.HOST_DOWN: "{host} is down",
    Reason.HOST_PARTLY_UNKNOWN: "{host} has {count} servers that could not be read",
    Reason.MOVES_IN_FLIGHT: "{count} migrations on {host} and {total} in total are in progress",
    Reason.OTHER_ZONE: "{host} is in zone {zone}, but the server is bound to {bound}",
    Reason.AGGREGATE_MISMATCH: "{host} is in no aggregate that satisfies {key}",
    Reason.TRAIT_MISSING: "{host} does not satisfy trait {trait}",
    Reason.GROUP_AFFINITY: "affinity group {group} must stay together on {bound}",
    Reason.GROUP_ANTI_AFFINITY: "{host} already has a member of anti-affinity group {group}",
    Reason.CPU_PINNING: "{host} cannot pin {needed} CPUs: {free} free",
    Reason.PCI_DEVICES: "{host} lacks PCI device {device}",
    Reason.NUMA_CELLS: "the {cells} NUMA cells of {host} have no room for {needed}",
    Reason.NUMA_UNKNOWN: "the NUMA topology of {host}, or its use, is unknown",
    Reason.NUMA_UNCHECKED: (
        "{count} servers with a NUMA topology go to {host}, whose NUMA topology is unknown: "
        "Nova decides whether they fit"
    ),
    Reason.SAME_HOST: "the server is already on {host}",
    Reason.METRIC_UNKNOWN: "{metric} of {resource} is unknown",
    Reason.SERVICE_ABSENT: "The cloud's catalogue has no {service} service.",
    Reason.SCOPE_NAME_UNKNOWN: "the scope names {kind} {name}, which does not exist",
    Reason.UNKNOWN_HOST: "{resource}: {host} was not collected",
    Reason.DUPLICATE_HOST: "host name {host} occurs {count} times",
    Reason.BAD_VALUE: "{field} of {resource} is {value}",
    Reason.FLAVOR_MISSING: "{resource} has no flavor",
    Reason.PIN_UNKNOWN: "no notification says whether server {server} is pinned to a zone",
    Reason.TYPE_UNKNOWN: "volume {volume} has type {type}, which is not in the model",
    Reason.NEEDS_COLLECTION: "{event} changed data that only a full collection can read",
}


@dataclass(frozen=True)
class Cause:
    """A reason with its facts, as stored in events."""

    reason: Reason
    facts: JsonObject = field(default_factory=dict)

    def __str__(self) -> str:
        return render(self.reason, self.facts)


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def template(reason: Reason) -> str:
    """The sentence of a reason, with ``{name}`` for each fact."""
    return _SENTENCES[reason]


def render(reason: Reason, facts: JsonObject) -> str:
    """The sentence of a reason, from its facts. Never fails: a missing fact shows as ``<name>``."""
    return _SENTENCES[reason].format_map(_Blank(facts))
