"""Why a run of an audit was made, failed, was deferred or ended."""

from domain.kernel.reasons import Reason

SET_BY_USER = Reason("set-by-user", "State set by user.")
END_TIME_PASSED = Reason("end-time-passed", "The audit's end time has passed.")
NO_LATER_MATCH = Reason("no-later-match", "The interval {interval} has no later match.")
PLAN_IN_PROGRESS = Reason("plan-in-progress", "Action plan {plan} is ongoing.")
STRATEGY_UNKNOWN = Reason("strategy-unknown", "Strategy {strategy} is not registered.")
NO_STRATEGY_FOR_GOAL = Reason("no-strategy-for-goal", "No strategy is registered for goal {goal}.")
PARAMETERS_INVALID = Reason("parameters-invalid", "The strategy parameters are invalid: {error}")
MODEL_STALE = Reason(
    "model-stale",
    "The cluster model is {age} s old, at most {limit} s are allowed, and the cloud "
    "cannot be read: {error}",
    age="s",
    limit="s",
)
MODEL_NOT_KEPT = Reason(
    "model-not-kept",
    "The strategy needs the {kind} model, which [collector] collector_plugins does not list.",
)
STRATEGY_FAILED = Reason("strategy-failed", "The strategy failed: {error}")
WORKERS_LOST = Reason(
    "workers-lost",
    "Given up: {count} workers were lost while they worked on it, most recently {last}.",
    count="number",
)
