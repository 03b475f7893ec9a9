"""Limits under which plans are executed, from the configuration."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from domain.plans.estimate import ExecutionLimits
from domain.plans.pace import PaceLimits
from domain.plans.parallelism import Parallelism
from domain.plans.windows import MaintenanceWindow
from infrastructure.cron import next_match
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import Settings
from infrastructure.settings.limits import LimitSettings, windows_of, zone_of
from infrastructure.settings.placement import PlacementSettings
from interfaces.bootstrap.placement import placement_policy


def pace_limits(settings: Settings) -> PaceLimits:
    """The limits on what may begin."""
    chosen = settings.limits
    return PaceLimits(
        total=settings.placement.max_migrations or None,
        per_host=settings.placement.max_migrations_per_host or None,
        per_group=chosen.migrations_per_server_group or None,
        hourly=chosen.migrations_per_hour or None,
        hourly_per_host=chosen.migrations_per_hour_per_host or None,
        cooldown=timedelta(seconds=chosen.server_cooldown),
        windows=_windows(chosen),
    )


def _windows(chosen: LimitSettings) -> tuple[MaintenanceWindow, ...]:
    zone = zone_of(chosen.time_zone)
    return tuple(
        MaintenanceWindow(partial(next_match, cron, zone=zone), duration)
        for cron, duration in windows_of(chosen.maintenance_windows or "")
    )


def parallelism(
    registry: Registry, plugins: PluginOptions, placement: PlacementSettings
) -> dict[str, Parallelism]:
    """Planner → how many actions of its plans may be in progress at once."""
    options, limits = plugins.of("planner"), placement_policy(placement).limits
    return {
        name: one.parallelism(options[name]).with_migrations(limits.total, limits.per_host)
        for name, one in registry.optimizers.planners.items()
    }


def execution_limits(settings: Settings, registry: Registry) -> Callable[[str], ExecutionLimits]:
    """Planner → the limits under which its plans are executed."""
    plugins = PluginOptions(registry, settings.sources)
    of_planner = parallelism(registry, plugins, settings.placement)
    pace, most = pace_limits(settings), settings.applier.max_parallel_actions
    return lambda planner: ExecutionLimits(most, of_planner.get(planner, Parallelism()), pace)
