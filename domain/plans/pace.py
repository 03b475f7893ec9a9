"""Whether an action may begin now, given what Vigil has begun lately in all plans.

This is the only place that decides it: the applier before each action, and the estimate of a plan
with simulated times.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.plans.action import ActionSpec
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.parallelism import Parallelism, hosts_of
from domain.plans.windows import MaintenanceWindow, closed_until

HOUR = timedelta(hours=1)

OUTSIDE_WINDOWS = Reason(
    "outside-maintenance-windows",
    "no maintenance window is open; the next one opens at {until}",
)
SERVER_COOLS_DOWN = Reason(
    "server-cools-down",
    "server {server} was moved at {at} and is not moved again before {until}",
)
MIGRATIONS_PER_HOUR = Reason(
    "migrations-per-hour",
    "{count} migrations began within an hour; the next one may begin at {until}",
    count="number",
)
HOST_MIGRATIONS_PER_HOUR = Reason(
    "host-migrations-per-hour",
    "{count} migrations to or from {host} began within an hour; the next one may begin at {until}",
    count="number",
)
MIGRATIONS_IN_PROGRESS = Reason(
    "migrations-in-progress",
    "{count} migrations are in progress, in all plans together",
    count="number",
)
HOST_MIGRATIONS_IN_PROGRESS = Reason(
    "host-migrations-in-progress",
    "{count} migrations to or from {host} are in progress, in all plans together",
    count="number",
)
GROUP_MIGRATES = Reason(
    "group-migrates",
    "{count} members of server group {group} are being migrated",
    count="number",
)


@dataclass(frozen=True)
class PaceLimits:
    """Limits over all plans; None: no limit.

    Attributes:
        total: migrations in progress.
        per_host: of these, to or from one host.
        per_group: of these, of members of one server group.
        hourly: migrations that begin within an hour.
        hourly_per_host: of these, to or from one host.
        cooldown: least time between two moves of a server.
        windows: outside of which no action begins; none: at any time.
    """

    total: int | None = None
    per_host: int | None = None
    per_group: int | None = None
    hourly: int | None = None
    hourly_per_host: int | None = None
    cooldown: timedelta = timedelta()
    windows: tuple[MaintenanceWindow, ...] = ()

    def within(self, parallelism: Parallelism) -> "PaceLimits":
        """The same for a plan, whose limit per host counts the migrations of all plans."""
        planned = parallelism.per_host.get(MIGRATE)
        lower = min((one for one in (planned, self.per_host) if one is not None), default=None)
        return replace(self, per_host=lower)

    @property
    def count_migrations(self) -> bool:
        """Whether any of them depends on other migrations."""
        limits = self.total, self.per_host, self.per_group, self.hourly, self.hourly_per_host
        return bool(self.cooldown) or any(one is not None for one in limits)

    @property
    def memory(self) -> timedelta:
        """How long a migration that has ended counts."""
        by_hour = self.hourly is not None or self.hourly_per_host is not None
        return max(self.cooldown, HOUR if by_hour else timedelta())


@dataclass(frozen=True)
class Migration:
    """A migration that Vigil began.

    Attributes:
        action: its action.
        server: id of the server.
        hosts: the names of its source and its destination, as far as the action names them.
        groups: ids of the server's groups.
        began_at, ended_at: UTC; not ended: in progress.
        moved: whether it moved the server, or still may.
        position: log position of its intent, while it is in progress.
    """

    action: UUID
    server: str
    hosts: frozenset[str]
    groups: tuple[str, ...]
    began_at: datetime
    ended_at: datetime | None = None
    moved: bool = True
    position: int | None = None

    @classmethod
    def of(cls, action: ActionSpec, began_at: datetime) -> "Migration":
        """The migration of an action that begins."""
        server = str(action.parameters.get("resource_id"))
        return cls(action.id, server, hosts_of(action.parameters), action.groups, began_at)


@dataclass(frozen=True)
class Hold:
    """Why an action may not begin now.

    Attributes:
        until: when this ends; None: when another migration ends.
        everything: whether all actions are held back, not only this one.
        at: the server, host or group that is held back, empty for all migrations.
    """

    because: Cause
    until: datetime | None = None
    everything: bool = False
    at: str = ""


class Pace:
    """What has begun lately, counted for the limits.

    Args:
        limits: the limits.
        migrations: those in progress, and those that ended within ``limits.memory``.
    """

    def __init__(self, limits: PaceLimits, migrations: Iterable[Migration] = ()) -> None:
        self._limits = limits
        self._begun: deque[datetime] = deque()
        self._begun_at: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._running = 0
        self._at_host: Counter[str] = Counter()
        self._in_group: Counter[str] = Counter()
        self._moved: dict[str, datetime] = {}
        for one in sorted(migrations, key=lambda one: one.began_at):
            self.begin(one)
            if one.ended_at is not None:
                self.end(one, one.ended_at)

    def begin(self, one: Migration) -> None:
        """Counts a migration that begins, not before the others."""
        self._begun.append(one.began_at)
        self._running += 1
        for host in one.hosts:
            self._begun_at[host].append(one.began_at)
        self._at_host.update(one.hosts)
        self._in_group.update(one.groups)

    def end(self, one: Migration, at: datetime) -> None:
        """Counts the end of a migration that was begun."""
        self._running -= 1
        self._at_host.subtract(one.hosts)
        self._in_group.subtract(one.groups)
        if one.moved:
            self._moved[one.server] = max(at, self._moved.get(one.server, at))

    def hold(self, action: ActionSpec, now: datetime, *, restores: bool = False) -> Hold | None:
        """Why an action may not begin now, None if it may. Of several reasons, the longest.

        Args:
            action: the action.
            now: UTC.
            restores: whether it undoes what its plan left half done: it needs no window.
        """
        holds = [] if restores else list(self._closed(now))
        if action.type == MIGRATE:
            holds += self._migration(Migration.of(action, now), now)
        return max(holds, key=lambda one: one.until or now, default=None)

    def _closed(self, now: datetime) -> Iterator[Hold]:
        windows = self._limits.windows
        if windows and not any(one.is_open(now) for one in windows):
            until = closed_until(windows, now)
            yield _hold(OUTSIDE_WINDOWS, until, everything=True)

    def _migration(self, one: Migration, now: datetime) -> Iterator[Hold]:
        limits = self._limits
        moved = self._moved.get(one.server)
        if moved is not None and now - moved < limits.cooldown:
            at = _text(moved)
            yield _hold(SERVER_COOLS_DOWN, moved + limits.cooldown, server=one.server, at=at)
        if (until := _full(self._begun, limits.hourly, now)) is not None:
            yield _hold(MIGRATIONS_PER_HOUR, until, count=limits.hourly)
        for host in sorted(one.hosts):
            until = _full(self._begun_at[host], limits.hourly_per_host, now)
            if until is not None:
                yield _hold(
                    HOST_MIGRATIONS_PER_HOUR, until, count=limits.hourly_per_host, host=host
                )
        yield from self._in_progress(one)

    def _in_progress(self, one: Migration) -> Iterator[Hold]:
        limits = self._limits
        if limits.total is not None and self._running >= limits.total:
            yield _hold(MIGRATIONS_IN_PROGRESS, None, count=self._running)
        for host in sorted(one.hosts):
            count = self._at_host[host]
            if limits.per_host is not None and count >= limits.per_host:
                yield _hold(HOST_MIGRATIONS_IN_PROGRESS, None, count=count, host=host)
        for group in one.groups:
            count = self._in_group[group]
            if limits.per_group is not None and count >= limits.per_group:
                yield _hold(GROUP_MIGRATES, None, count=count, group=group)


def _full(begun: deque[datetime], limit: int | None, now: datetime) -> datetime | None:
    """When one more may begin without more than ``limit`` within an hour; None: now."""
    if limit is None or len(begun) < limit:
        return None
    until = begun[-limit] + HOUR
    return until if until > now else None


def _hold(
    reason: Reason, until: datetime | None, *, everything: bool = False, **facts: object
) -> Hold:
    known: JsonObject = dict(facts)
    if "until" in reason.facts:
        known["until"] = "an unknown time" if until is None else _text(until)
    at = next((str(facts[name]) for name in ("server", "host", "group") if name in facts), "")
    return Hold(Cause(reason, known), until, everything, at)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
