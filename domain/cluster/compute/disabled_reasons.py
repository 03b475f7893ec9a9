"""The reasons with which strategies disable hosts (``disabled_reason`` of the compute service)."""

DISABLED_BY_CONSOLIDATION = "watcher_disabled"
"""Prefix of the reason of a host that consolidation disabled and may enable again."""
DISABLED_BY_RESOURCE_CONSOLIDATION = "Watcher node resource consolidation strategy"
"""The reason of a host that ``node_resource_consolidation`` disabled."""
DISABLED_FOR_MAINTENANCE = "watcher_maintaining"
"""The reason of a host that host maintenance disabled."""
