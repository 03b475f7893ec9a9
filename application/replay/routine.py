"""Which events are routine: they happen without anybody's decision."""

ROUTINE = (
    "audit.inputs-recorded",
    "audit.run-claimed",
    "catalogue.",
    "cluster-model.",
    "command.",
    "model-amendments.",
    "name.",
    "plan.claimed",
)
"""Beginnings of the topics of events that happen without anybody's decision."""
NOTABLE = frozenset({"cluster-model.collection-failed", "cluster-model.recovered"})
"""Topics of these that matter all the same."""


def is_routine(topic: str) -> bool:
    """Whether events of a topic are left out."""
    return topic.startswith(ROUTINE) and topic not in NOTABLE
