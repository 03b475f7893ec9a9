"""What is wrong with the scope of an audit."""

from domain.kernel.reasons import Reason

SCOPE_INVALID = Reason("scope-invalid", "The audit scope is invalid: {error}")
SCOPE_NAME_UNKNOWN = Reason(
    "scope-name-unknown",
    "the scope names {kind} {name}, which does not exist",
)
MODEL_EMPTY = Reason("model-empty", "The audit scope selects no compute host.")
STORAGE_EMPTY = Reason("storage-empty", "The audit scope selects no storage pool.")
BAREMETAL_EMPTY = Reason("baremetal-empty", "The audit scope selects no bare-metal machine.")
RULE_NAME_UNKNOWN = Reason(
    "rule-name-unknown",
    "the operator rules name {kind} {name}, which does not exist",
)
RULE_NAME_AMBIGUOUS = Reason(
    "rule-name-ambiguous",
    "The operator rules name {kind} {name}, but {count} have that name: use ids.",
    count="number",
)
RULES_FILE_INVALID = Reason(
    "rules-file-invalid",
    "The operator rules in {file} cannot be used: {error}",
)
