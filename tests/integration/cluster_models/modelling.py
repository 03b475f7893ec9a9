"""Helpers for tests of collected models."""

from sqlalchemy import text

from application.cluster_models.query import ClusterModels
from domain.cluster.kinds import ModelKind
from tests.world.engine import EngineWorld
from tests.world.world import CLOCK


def models(world: EngineWorld, stale_after: float = 60.0) -> ClusterModels:
    world.projector.catch_up()
    return ClusterModels(
        world.collected,
        world.records,
        world.reads,
        cloud="arranged",
        stale_after=dict.fromkeys(ModelKind, stale_after),
    )


def grow_old(world: EngineWorld, seconds: float) -> None:
    """Makes the latest confirmation so much older, by the database's clock."""
    is_postgresql = world.views_engine.dialect.name == "postgresql"
    moved = ", ".join(
        f"{name} = {name} - interval '{seconds} seconds'"
        if is_postgresql
        else f"{name} = strftime('%Y-%m-%dT%H:%M:%f', {name}, '-{seconds} seconds')"
        for name in ("confirmed_at", "collected_at", "whole_at", "doubted_at")
    )
    with world.views_engine.begin() as connection:
        connection.execute(text(f"UPDATE model_confirmations SET {moved}"))  # noqa: S608


def a_moment() -> None:
    """Lets the databases' clocks, which count milliseconds, tell before from after."""
    end = CLOCK.monotonic() + 0.02
    while CLOCK.monotonic() < end:
        CLOCK.sleep(0.002)
