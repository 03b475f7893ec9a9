"""Why a plan or an action ended as it did."""

from domain.kernel.reasons import Reason

SUPERSEDED_BY_RUN = Reason("superseded-by-run", "A newer run of the audit replaced this plan.")
EXPIRED = Reason("expired", "The plan was not launched within {hours} hours.", hours="h")
SOME_ACTIONS_SKIPPED = Reason("some-actions-skipped", "One or more actions were skipped.")
SOME_ACTIONS_FAILED = Reason(
    "some-actions-failed",
    "{failed} of {total} actions failed.",
    failed="number",
    total="number",
)
SKIPPED_BY_USER = Reason("skipped-by-user", "Action skipped by user.")
PLAN_CANCELLED = Reason(
    "plan-cancelled",
    "The action plan was cancelled before the action started.",
)
REQUIREMENT_FAILED = Reason(
    "requirement-failed",
    "Action {action}, which this one requires, did not succeed.",
)
ALTERNATIVE_NOT_NEEDED = Reason(
    "alternative-not-needed",
    "{action} did not fail, and this action is its alternative: the execution rule is ANY.",
)
NO_LONGER_LEGAL = Reason("no-longer-legal", "illegal since the plan was made: {why}")
ABORTED_BY_CANCEL = Reason(
    "aborted-by-cancel",
    "The action plan was cancelled while the action was running, and the action was aborted.",
)
APPLIERS_LOST = Reason(
    "appliers-lost",
    "{lost} appliers in succession ended while they executed {action}, and nothing else",
    lost="number",
)
ACTION_TYPE_UNKNOWN = Reason("action-type-unknown", "action type {type} does not exist")
ACTION_PARAMETERS_INVALID = Reason(
    "action-parameters-invalid",
    "the action parameters are invalid: {error}",
)
EFFECT_UNDONE = Reason("effect-undone", "the change was reverted outside Vigil: {error}")
DEADLINE_PASSED = Reason("deadline-passed", "not finished within {seconds} s", seconds="s")
NOTHING_COPIED = Reason(
    "nothing-copied", "no data was copied for {seconds} s, so the action was aborted", seconds="s"
)
STILL_RUNNING = Reason(
    "still-running",
    "not finished within {seconds} s; the cloud still shows {status}; it is watched until it ends",
    seconds="s",
)
OUTCOME_UNKNOWN = Reason("outcome-unknown", "the outcome is unknown: {error}")
UNDOES_ACTION = Reason("undoes-action", "undoes {action}")
NOT_UNDONE = Reason("not-undone", "{action} is not undone: {why}")
NO_INVERSE_ACTION = Reason("no-inverse-action", "no action type undoes {type}")
NOTHING_TO_UNDO = Reason("nothing-to-undo", "{type} changed nothing")
SERVER_NOT_FOUND = Reason("server-not-found", "server {server} does not exist")
SERVER_ALREADY_IN_STATE = Reason("server-already-in-state", "server {server} is already {status}")
MIGRATION_REFUSED = Reason(
    "migration-refused",
    "the cloud refused to migrate server {server}: {error}",
)
MIGRATION_FAILED = Reason(
    "migration-failed",
    "migration {migration} of server {server} ended as {status}",
)
MIGRATION_ABORTED = Reason(
    "migration-aborted",
    "migration {migration} of server {server} was aborted",
)
