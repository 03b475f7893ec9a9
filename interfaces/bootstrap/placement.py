"""Placement rules from the configuration."""

from application.ports.operator_rules import RulesDocument
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from infrastructure.operator_rules import RulesFile
from infrastructure.settings.placement import PlacementSettings


def placement_policy(chosen: PlacementSettings) -> PlacementPolicy:
    """The policies and limits; the operator's rules are read at each run."""
    return PlacementPolicy(
        limits=ConcurrencyLimits(
            total=chosen.max_migrations or None,
            per_host=chosen.max_migrations_per_host or None,
        ),
        keep_zone=chosen.keep_zone,
        numa_certain=chosen.numa_certain,
    )


def rules_document(chosen: PlacementSettings) -> RulesDocument | None:
    """The file with the operator's rules, if one is configured."""
    return None if chosen.rules_file is None else RulesFile(chosen.rules_file)
