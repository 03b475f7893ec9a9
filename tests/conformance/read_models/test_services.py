import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from infrastructure.read_models import SqlServices, this_instance
from infrastructure.read_models.processes import boot_id, process_started
from infrastructure.read_models.schema import INSTANCES
from tests.world.world import World


@pytest.fixture
def services(world: World) -> SqlServices:
    return SqlServices(world.views_engine, host="here", down_after=timedelta(seconds=90))


@pytest.fixture
def neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of this host."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait(10)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come true")
        time.sleep(0.01)


def age(world: World, instance_id: str, seconds: float) -> None:
    """Makes the last beat so much older (or newer), by the database's clock."""
    older = (
        text(f"last_seen_up + interval '{-seconds} seconds'")
        if world.views_engine.dialect.name == "postgresql"
        else text(f"strftime('%Y-%m-%dT%H:%M:%f', last_seen_up, '{-seconds:+} seconds')")
    )
    with world.views_engine.begin() as connection:
        connection.execute(
            update(INSTANCES).where(INSTANCES.c.id == instance_id).values(last_seen_up=older)
        )


def test_a_service_is_listed_once_per_name_and_host_with_its_newest_instance(
    services: SqlServices,
) -> None:
    first = this_instance("watcher-applier", host="here")
    services.beat(first)
    services.beat(
        replace(first, id="watcher-decision-engine/here/1/2", name="watcher-decision-engine")
    )
    before = services.rows()
    assert [(row.name, row.host, row.alive) for row in before] == [
        ("watcher-applier", "here", True),
        ("watcher-decision-engine", "here", True),
    ]
    services.retire(first.id)
    assert [row.alive for row in services.rows()] == [False, True]
    services.beat(replace(first, id=f"{first.id}-next"))
    after = services.rows()
    assert [(row.id, row.created_at) for row in after] == [
        (row.id, row.created_at) for row in before
    ]
    assert [row.alive for row in after] == [True, True]


def test_a_beat_moves_the_time_when_it_was_last_seen(services: SqlServices, world: World) -> None:
    instance = this_instance("watcher-applier", host="here")
    services.beat(instance)
    age(world, instance.id, 50)
    (old,) = services.rows()
    services.beat(instance)
    (new,) = services.rows()
    assert new.last_seen_up - old.last_seen_up >= timedelta(seconds=50)
    assert old.last_seen_up.tzinfo is not None


def test_a_beat_far_in_the_future_is_none(services: SqlServices, world: World) -> None:
    """The database's clock was put back by an hour: who had died seemed to live all that hour.

    Its claims could not be taken over, and its service was shown as ACTIVE.
    """
    instance = replace(this_instance("watcher-applier", host="elsewhere"), pid=1)
    services.beat(instance)
    age(world, instance.id, -30)
    assert [row.alive for row in services.rows()] == [True]
    age(world, instance.id, -3600)
    assert [row.alive for row in services.rows()] == [False]
    assert services.is_presumed_dead(instance.id)
    services.beat(instance)
    assert [row.alive for row in services.rows()] == [True]
    assert not services.is_presumed_dead(instance.id)


def test_an_instance_that_beats_is_not_gone(services: SqlServices) -> None:
    instance = this_instance("watcher-applier", host="here")
    services.beat(instance)
    assert not services.is_presumed_dead(instance.id)


def test_an_instance_that_retired_or_was_never_heard_of_is_gone(services: SqlServices) -> None:
    instance = this_instance("watcher-applier", host="here")
    services.beat(instance)
    services.retire(instance.id)
    assert services.is_presumed_dead(instance.id)
    assert services.is_presumed_dead("watcher-applier/nowhere/1/1")


def test_an_instance_that_retired_and_beats_again_is_back(services: SqlServices) -> None:
    """A listener retires while the message bus refuses it."""
    instance = this_instance("watcher-applier", host="here")
    services.beat(instance)
    services.retire(instance.id)
    services.beat(instance)
    assert [row.alive for row in services.rows()] == [True]
    assert not services.is_retired(instance.id)


def test_only_who_said_so_ended_in_good_order(services: SqlServices) -> None:
    """One that was lost is gone as well, but what it worked on may have been the death of it."""
    mine = this_instance("watcher-applier", host="here")
    for name, started in (("orderly", mine.pid_started), ("killed", "1")):
        services.beat(replace(mine, id=name, pid_started=started))
    services.retire("orderly")
    assert services.is_presumed_dead("killed")
    ends = {name: services.is_retired(name) for name in ("orderly", "killed", "unheard-of")}
    assert ends == {"orderly": True, "killed": False, "unheard-of": False}


def test_silence_beyond_the_down_time_counts_as_death_on_any_host(
    services: SqlServices, world: World
) -> None:
    instance = replace(this_instance("watcher-applier", host="elsewhere"), pid=2**22 + 1)
    services.beat(instance)
    age(world, instance.id, 80)
    assert not services.is_presumed_dead(instance.id)
    age(world, instance.id, 11)
    assert services.is_presumed_dead(instance.id)
    assert [row.alive for row in services.rows()] == [False]


def test_a_dead_process_of_this_host_is_gone_at_once(
    services: SqlServices, neighbour: subprocess.Popen[bytes]
) -> None:
    started = process_started(neighbour.pid) or ""
    mine = this_instance("watcher-applier", host="here")
    instance = replace(mine, id="it", pid=neighbour.pid, pid_started=started)
    services.beat(instance)
    assert not services.is_presumed_dead("it")
    neighbour.kill()
    until(
        lambda: services.is_presumed_dead("it")
    )  # though nobody has waited for it yet: it is a zombie
    assert [row.alive for row in services.rows()] == [False]


def test_a_reused_process_id_is_not_the_process_that_it_was(services: SqlServices) -> None:
    mine = this_instance("watcher-applier", host="here")
    services.beat(replace(mine, id="before", pid_started="1"))
    assert services.is_presumed_dead("before")


def test_the_processes_of_another_boot_or_host_are_not_ours_to_judge(services: SqlServices) -> None:
    mine = this_instance("watcher-applier", host="here")
    services.beat(replace(mine, id="rebooted", boot_id="other", pid_started="1"))
    services.beat(replace(mine, id="remote", host="elsewhere", pid_started="1"))
    assert not services.is_presumed_dead("rebooted")
    assert not services.is_presumed_dead("remote")
    assert boot_id() != "other"


def test_instances_silent_for_a_month_are_forgotten_but_their_service_is_not(
    services: SqlServices, world: World
) -> None:
    mine = this_instance("watcher-applier", host="here")
    for name in ("old", "older", "new"):
        services.beat(replace(mine, id=name))
        if name != "new":
            age(world, name, 31 * 24 * 3600)
    services.beat(replace(mine, id="newest"))
    with world.views_engine.connect() as connection:
        ids = (
            connection.execute(text("SELECT id FROM service_instances ORDER BY id")).scalars().all()
        )
    assert ids == ["new", "newest"]
    assert len(services.rows()) == 1
