"""All reasons that the product declares.

Events of versions that stored no sentences are rendered from these declarations. Their modules are
imported when the first such event is shown: that takes longer than to open a log.
"""

from importlib import import_module

from domain.kernel.reasons import Reason, declare_later

DECLARED_IN = (
    "domain.kernel.reasons",
    "domain.audits.reasons",
    "application.ports.strategy_runner",
    "application.ports.cloud",
    "domain.plans.reasons",
    "domain.actuation.actuation",
    "domain.plans.emptied_hosts",
    "domain.plans.pace",
    "application.applier.gate",
    "domain.plans.action_types.migrate",
    "domain.plans.action_types.resize",
    "domain.plans.action_types.change_nova_service_state",
    "domain.plans.action_types.change_node_power_state",
    "domain.plans.action_types.nop",
    "domain.plans.action_types.volume_migrate",
    "domain.plans.verification",
    "domain.optimization.strategy",
    "domain.optimization.scoring",
    "domain.optimization.algorithms.balancing",
    "domain.optimization.algorithms.draining",
    "domain.optimization.algorithms.emptying",
    "domain.optimization.algorithms.consolidating",
    "domain.optimization.algorithms.offloading",
    "domain.optimization.algorithms.relieving",
    "domain.optimization.algorithms.volumes",
    "domain.optimization.planners.sequence",
    "domain.optimization.returning",
    "domain.optimization.strategies.host_maintenance",
    "domain.optimization.strategies.dummy_with_resize",
    "domain.optimization.strategies.dummy_with_scorer",
    "domain.optimization.strategies.node_resource_consolidation",
    "domain.optimization.strategies.noisy_neighbor",
    "domain.optimization.strategies.outlet_temperature",
    "domain.optimization.strategies.saving_energy",
    "domain.optimization.strategies.uniform_airflow",
    "domain.optimization.strategies.storage_capacity_balance",
    "domain.optimization.strategies.vm_workload_consolidation",
    "domain.optimization.strategies.workload_balance",
    "domain.optimization.strategies.workload_stabilization",
    "domain.optimization.strategies.zone_departures",
    "domain.optimization.strategies.zone_migration",
    "domain.cluster.placement.movability",
    "domain.cluster.placement.rules.hosts",
    "domain.cluster.placement.rules.zones",
    "domain.cluster.placement.rules.aggregates",
    "domain.cluster.placement.rules.capacity",
    "domain.cluster.placement.rules.numa",
    "domain.cluster.placement.rules.groups",
    "domain.cluster.placement.rules.concurrency",
    "domain.cluster.placement.rules.operator",
    "domain.cluster.placement.volume_rules",
    "domain.metrics.catalogue",
    "domain.cluster.scope.reasons",
    "domain.cluster.compute.reasons",
    "domain.cluster_models.reasons",
)
"""The modules that declare reasons, in the order of docs/reasons.md."""


def product_reasons() -> list[Reason]:
    """The reasons, in the order of their declaration."""
    found = [vars(import_module(name)).values() for name in DECLARED_IN]
    reasons = (value for values in found for value in values if isinstance(value, Reason))
    return list(dict.fromkeys(reasons))


declare_later(product_reasons)
