"""Injected faults: rules that make a migration or a response fail. See docs/simulator.md."""

import random
import re
from collections.abc import Callable
from typing import Annotated, Literal, get_args

import msgspec

from application.kernel.typed_values import field_and_rule
from infrastructure.simulator.core.errors import BadRequest
from infrastructure.simulator.core.model import Migration

Outcome = Literal["fail", "error", "hang", "elsewhere"]


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Times = Annotated[int, msgspec.Meta(ge=1)]


class MigrationFault(
    msgspec.Struct, kw_only=True, tag="migration", tag_field="kind", forbid_unknown_fields=True
):
    """Makes migrations of one server, of the next `times` servers, or random ones fail.

    Args:
        outcome: fail (while running), error (before it runs), hang, or elsewhere (lands on
            another host than asked for).
        server: only this server.
        times: how many migrations it affects; None: no limit.
        probability: of each migration that it matches; seeded.
        host: where `elsewhere` lands; None: any host that fits.
        at: share of the copying after which `fail` happens.
    """

    outcome: Outcome
    id: int = 0
    server: str | None = None
    times: Times | None = 1
    probability: Share = 1.0
    host: str | None = None
    at: Share = 0.5


class EndpointFault(
    msgspec.Struct, kw_only=True, tag="endpoint", tag_field="kind", forbid_unknown_fields=True
):
    """Makes responses fail.

    Args:
        service: identity, compute, placement, volume, baremetal, MAAS or metrics; None: any.
        method: HTTP method; None: any.
        path: regular expression searched in the path (without the service's prefix).
        status: answer this instead of processing the request; None: process it.
        delay: seconds (wall) to wait before doing anything.
        lost_reply: process the request, then close the connection without an answer.
        times: how many requests it affects; None: no limit.
    """

    id: int = 0
    service: str | None = None
    method: str | None = None
    path: str = ""
    status: int | None = None
    delay: float = 0.0
    lost_reply: bool = False
    times: Times | None = 1
    probability: Share = 1.0


class OperationFault(msgspec.Struct, kw_only=True, tag="operation", tag_field="kind"):
    """Makes migrations and retypes of volumes, and power changes of nodes, fail.

    Args:
        outcome: fail (at its end), or hang.
        resource: only this volume or node; None: any.
        times: how many operations it affects; None: no limit.
        probability: of each operation that it matches; seeded.
    """

    outcome: Literal["fail", "hang"]
    id: int = 0
    resource: str | None = None
    times: int | None = 1
    probability: float = 1.0


Fault = MigrationFault | EndpointFault | OperationFault


def _rule_broken(error: msgspec.ValidationError) -> str:
    field, rule = field_and_rule(error)
    if field == "kind" or "`kind`" in rule:
        return "kind must be migration or endpoint"
    if field == "outcome" or "`outcome`" in rule:
        return f"outcome must be one of {', '.join(get_args(Outcome))}"
    return f"{field}: {rule}" if field else rule


class Faults:
    """The rules in force, oldest first. Every change is handed to `save`."""

    def __init__(self, seed: int, save: Callable[[list[Fault]], None]) -> None:
        self._rules: list[Fault] = []
        self._random = random.Random(f"vigil-faults:{seed}")  # noqa: S311 - reproducible faults
        self._save = save
        self._last = 0

    def load(self, rules: list[Fault]) -> None:
        """Load rules from the state file."""
        self._rules = rules
        self._last = max((r.id for r in rules), default=0)

    def add(self, body: object) -> Fault:
        """Add a rule given as JSON.

        Raises:
            BadRequest: when it is not a rule.
        """
        try:
            rule: Fault = msgspec.convert(body, Fault)
            if isinstance(rule, EndpointFault):
                re.compile(rule.path)
        except msgspec.ValidationError as error:
            raise BadRequest(f"not a fault rule: {_rule_broken(error)}") from error
        except re.error as error:
            raise BadRequest(f"not a fault rule: path is no regular expression: {error}") from error
        self._last += 1
        rule.id = self._last
        self._rules.append(rule)
        self._save(self._rules)
        return rule

    def all(self) -> list[Fault]:
        """Every rule in force."""
        return list(self._rules)

    def remove(self, number: int | None) -> int:
        """Remove one rule, or (None) all; how many there were."""
        kept = [r for r in self._rules if number is not None and r.id != number]
        removed = len(self._rules) - len(kept)
        self._rules = kept
        self._save(kept)
        return removed

    def doom(self, migration: Migration) -> None:
        """Mark a new migration with the outcome of the first matching rule."""
        for rule in self._rules:
            if isinstance(rule, MigrationFault) and rule.server in (None, migration.server_id):
                if not self._strikes(rule):
                    continue
                migration.outcome, migration.landing = rule.outcome, rule.host
                migration.fail_at = rule.at
                return

    def outcome_of(self, *ids: str) -> str:
        """The outcome of an operation on a resource by the first matching rule; "" if none does."""
        for rule in self._rules:
            if (
                isinstance(rule, OperationFault)
                and rule.resource in (None, *ids)
                and self._strikes(rule)
            ):
                return rule.outcome
        return ""

    def on_request(self, service: str, method: str, path: str) -> EndpointFault | None:
        """The first rule that matches a request."""
        for rule in self._rules:
            if (
                isinstance(rule, EndpointFault)
                and rule.service in (None, service)
                and rule.method in (None, method)
                and re.search(rule.path, path)
                and self._strikes(rule)
            ):
                return rule
        return None

    def _strikes(self, rule: Fault) -> bool:
        if rule.probability < 1.0 and self._random.random() >= rule.probability:
            return False
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules = [r for r in self._rules if r.id != rule.id]
            self._save(self._rules)
        return True
