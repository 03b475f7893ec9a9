"""Whether an installation is well: a table of rules over its overview, each a pure function.

The code of a problem is part of the API (docs/api.md, "Overview").
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from application.queries.overview import InstallationHealth, ModelLine, Overview, Problem, Severity

STALLED_AFTER: Final = 60.0
"""Seconds without a change after which the progress of an action counts as stalled."""
BEHIND: Final = 1000
"""Events that a projection may be behind the log."""
CLOCK_TOLERANCE: Final = 5.0
"""Seconds that the clocks of hosts may differ."""
REQUIRED: Final = ("watcher-decision-engine", "watcher-applier")
"""Services without which no plan is made or executed."""
ORDER: Final[tuple[Severity, ...]] = ("failed", "blind", "warning")

Rule = Callable[[Overview], Iterator[Problem]]


def health_of(view: Overview) -> InstallationHealth:
    """The health of an installation: the problems, worst first."""
    found = [problem for rule in RULES for problem in rule(view)]
    found.sort(key=lambda one: ORDER.index(one.severity))
    return InstallationHealth(found[0].severity, tuple(found)) if found else InstallationHealth()


def of_the_past(position: int) -> InstallationHealth:
    """The health of a copy of a history: nothing runs there."""
    text = f"This is the state at position {position} of the log: no role runs here."
    return InstallationHealth("warning", (Problem("past", "warning", "installation", text),))


def _missing_roles(view: Overview) -> Iterator[Problem]:
    for name in REQUIRED:
        rows = [one for one in view.roles if one.name == name]
        if any(one.state == "ACTIVE" for one in rows):
            continue
        seen = max((one.last_seen_up for one in rows if one.last_seen_up), default=None)
        last = "none has ever run" if seen is None else f"the last heartbeat was at {_time(seen)}"
        role = name.removeprefix("watcher-")
        text = f"No {role} is running: {last}. Start one: `vigil up` or `vigil {role}`."
        yield Problem("role-missing", "failed", name, text, seen)


def _restarting_roles(view: Overview) -> Iterator[Problem]:
    for one in view.roles:
        if one.restarts and one.state == "FAILED":
            text = (
                f"The role {one.name} does not stay up: it was restarted {one.restarts} times. "
                "Its log (vigil.log in the data directory) says why."
            )
            yield Problem("role-restarting", "warning", one.name, text, one.last_seen_up)


def _models(view: Overview) -> Iterator[Problem]:
    if not any(one.kind == "compute" for one in view.models):
        text = (
            "No compute model has been collected yet. If that stays so, check that a collector "
            "runs (`vigil collector`)."
        )
        yield Problem("model-stale", "blind", "compute model", text)
    for one in view.models:
        if not one.absent:
            yield from _model(one, view)


def _model(one: ModelLine, view: Overview) -> Iterator[Problem]:
    subject = f"{one.kind} model of cloud {one.cloud}"
    confirmed = None if one.age is None else view.at - timedelta(seconds=one.age)
    shown = "there is none yet" if confirmed is None else f"it shows {_time(confirmed)}"
    if one.failure is not None:
        began = "" if one.failing_since is None else f" since {_time(one.failing_since)}"
        text = (
            f"The {subject} cannot be collected{began}; {shown}. {_sentence(one.failure)} Check "
            "that Vigil can reach the cloud and that its account may read it."
        )
        yield Problem("cloud-unreachable", "blind", subject, text, one.failing_since)
    elif one.stale:
        text = (
            f"The {subject} is older than allowed; {shown}. Check that a collector runs "
            "(`vigil collector`)."
        )
        yield Problem("model-stale", "blind", subject, text, confirmed)


def _actuation(view: Overview) -> Iterator[Problem]:
    if not view.actuation.on:
        text = f"{_sentence(view.actuation.reason or 'Actuation is off.')} Plans wait."
        yield Problem("actuation-off", "warning", "actuation", text, view.actuation.since)


def _stalled_actions(view: Overview) -> Iterator[Problem]:
    for plan in view.plans:
        for one in plan.running:
            if one.stalled and one.unchanged_since is not None:
                text = (
                    f"{one.target}: its progress has not changed since "
                    f"{_time(one.unchanged_since)}. Check the action in the cloud, or cancel the "
                    f"plan: `vigil plan cancel {plan.uuid}`."
                )
                yield Problem(
                    "migration-stalled", "warning", f"action {one.uuid}", text, one.unchanged_since
                )


def _projections(view: Overview) -> Iterator[Problem]:
    for one in view.projections:
        if one.lag > BEHIND and not one.building:
            text = (
                f"The read models {one.name} are {one.lag} events behind the log: lists are out "
                "of date. Check that a projector runs (`vigil projector`)."
            )
            yield Problem("projection-behind", "warning", f"projection {one.name}", text)


def _quarantine(view: Overview) -> Iterator[Problem]:
    if view.quarantined:
        text = (
            f"{view.quarantined} events could not be shown in the read models. "
            "`vigil projections status` lists them."
        )
        yield Problem("quarantine", "warning", "read models", text)


def _clocks(view: Overview) -> Iterator[Problem]:
    for one in view.roles:
        if one.age is not None and one.age < -CLOCK_TOLERANCE:
            text = (
                f"The clock of the database is {-one.age:.0f} s ahead of the clock of the API: "
                "ages and timeouts are wrong. Synchronise the clocks (NTP)."
            )
            yield Problem("clock", "warning", f"{one.name} on {one.host}", text, one.last_seen_up)
            return  # all roles show the same difference


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


RULES: Final[tuple[Rule, ...]] = (
    _missing_roles,
    _restarting_roles,
    _models,
    _actuation,
    _stalled_actions,
    _projections,
    _quarantine,
    _clocks,
)
