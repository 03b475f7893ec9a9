"""Limits over all plans, from the configuration."""

from datetime import timedelta
from functools import partial

from domain.plans.pace import PaceLimits
from domain.plans.windows import MaintenanceWindow
from infrastructure.cron import next_match
from infrastructure.settings import Settings
from infrastructure.settings.limits import LimitSettings, windows_of, zone_of


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
