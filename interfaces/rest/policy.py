"""The policy: oslo.policy with the contract's rules, which an operator's file can override."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import falcon
from oslo_config import cfg
from oslo_policy import opts
from oslo_policy.policy import DocumentedRuleDefault, Enforcer, Operation, RuleDefault

from infrastructure.settings import LibraryOptions
from interfaces.rest.auth import Caller, Target
from interfaces.rest.rules import ADMIN, ADMIN_OR_SERVICE, RULES, Rule

LOG = logging.getLogger("vigil.policy")

SECTION = "oslo_policy"
NAMESPACE = "vigil"
"""What the tools of oslo.policy are given to find these rules."""

_CHECKS = {ADMIN: "rule:admin_api", ADMIN_OR_SERVICE: "rule:admin_or_service_api"}
_MANY = {
    "strategy": "strategies",
    "data_model": "rows of the data model",
    "event": "events of everything",
}
_WORDING = {
    "get_all": "List {many}.",
    "detail": "List {many} with details.",
    "get": "Show one of the {many}.",
    "create": "Create one of the {many}.",
    "update": "Change one of the {many}.",
    "delete": "Delete one of the {many}.",
    "events": "Show what happened to one of the {many}.",
    "explanation": "Show why one of the {many} is as it is.",
    "stream": "Follow {many} as they happen.",
    "start": "Start one of the {many}.",
    "state": "Show whether what one of the {many} needs is there.",
    "trigger": "Trigger an EVENT audit; asked only while [api] enable_webhooks_auth is true.",
}


def list_rules() -> list[RuleDefault]:
    """Every rule with its default, for the tools of oslo.policy as well as for enforcement."""
    return [
        RuleDefault(
            "admin_api", "role:admin or role:administrator", "Whoever may do everything by default."
        ),
        RuleDefault(
            "admin_or_service_api",
            "rule:admin_api or role:service",
            "Administrators and the accounts of services.",
        ),
        RuleDefault("show_password", "!", "Show passwords: never; nothing asks this."),
        *(_documented(rule) for rule in RULES.values()),
    ]


def _documented(rule: Rule) -> DocumentedRuleDefault:
    method, _, path = rule.operation.partition(" ")
    operations: list[Operation] = [{"method": method, "path": path}]
    return DocumentedRuleDefault(rule.name, _CHECKS[rule.roles], _description(rule), operations)


def _description(rule: Rule) -> str:
    resource, _, operation = rule.name.partition(":")
    many = _MANY.get(resource, f"{resource.replace('_', ' ')}s")
    return _WORDING.get(operation, "{many}: " + operation.replace("_", " ") + ".").format(many=many)


def get_enforcer() -> Enforcer:
    """What ``oslopolicy-policy-generator`` and its siblings look at: the rules in force here.

    The tools parse their command line into oslo.config's global options object before they call
    this; ``--config-file`` there counts, otherwise ``vigil.conf`` in the usual places.
    """
    told = cfg.CONF
    files = list(told.config_file or ()) or cfg.find_config_files("vigil")
    found = cfg.ConfigOpts()
    found(args=[], project="vigil", default_config_files=files)
    for conf in (told, found):
        opts.set_defaults(conf)
    path = found.find_file(found[SECTION].policy_file)
    told.set_override("policy_file", path or found[SECTION].policy_file, group=SECTION)
    enforcer = Enforcer(told)
    enforcer.register_defaults(list_rules())
    return enforcer


_UNREADABLE = (ValueError, TypeError, AttributeError, cfg.Error, OSError)
"""How oslo.policy fails when a file is not YAML, or YAML of another shape."""


class PolicyUnusable(Exception):
    """The policy file does not say what is allowed."""


class PolicyEnforcer:
    """Applies the rules; the file is read again when it changes.

    One enforcer follows the files. What it has read is judged by another one that never changes,
    so that a request never meets rules that are half loaded; a file that cannot be understood, or
    is not there any more, leaves those of before in force.

    Args:
        options: where the section ``[oslo_policy]`` is read.

    Raises:
        PolicyUnusable: the files cannot be understood, or refer to rules that do not exist.
    """

    def __init__(self, options: LibraryOptions) -> None:
        self._conf = options.load()
        opts.set_defaults(self._conf)
        options.settle(self._conf, SECTION)
        self._reader = Enforcer(self._conf)
        self._reader.register_defaults(list_rules())
        self._lock = threading.Lock()
        self._missing = False
        self._check_files()
        self._seen = self._reader.rules
        self._judge = self._judging()

    @property
    def source(self) -> str | None:
        """The file that overrides defaults, None if there is none."""
        return self._reader.policy_path

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """Whether a caller may do what a rule names; what no rule names, nobody may."""
        self._refresh()
        credentials: dict[str, Any] = {**caller.credentials, "roles": sorted(caller.roles)}
        return bool(self._judge.enforce(rule, _plain(target), credentials))

    def _check_files(self) -> None:
        file = self._conf[SECTION].policy_file
        default = next(one for one in opts.list_opts()[0][1] if one.name == "policy_file").default
        if file != default and self._conf.find_file(file) is None:
            raise PolicyUnusable(f"[oslo_policy] policy_file: there is no {file}")
        try:
            self._reader.load_rules()
            sound = self._reader.check_rules()
        except _UNREADABLE as error:
            raise PolicyUnusable(f"[oslo_policy] policy_file ({file}): {error}") from error
        if not sound:
            raise PolicyUnusable(
                f"[oslo_policy] policy_file ({self.source}): a rule refers to one that does not "
                "exist, or to itself; the log names it"
            )

    def _refresh(self) -> None:
        with self._lock:
            if self._vanished():
                return
            try:
                self._reader.load_rules()
            except _UNREADABLE as error:
                LOG.error(  # noqa: TRY400 - what is wrong is in the file, not in the stack
                    "policy file %s cannot be used, the rules of before stay in force: %s",
                    self.source,
                    error,
                )
                return
            if self._reader.rules is not self._seen and not self._vanished():
                self._seen = self._reader.rules
                self._judge = self._judging()
                LOG.info("policy file %s has been read again", self.source)

    def _vanished(self) -> bool:
        """Whether the file that was read is gone: to fall back to the defaults could open doors."""
        path = self.source
        gone = path is not None and not Path(path).exists()
        if gone and not self._missing:
            LOG.error("policy file %s is gone, its rules stay in force", path)
        self._missing = gone
        return gone

    def _judging(self) -> Enforcer:
        judge = Enforcer(self._conf, rules=dict(self._reader.rules), use_conf=False)
        judge.register_defaults(list_rules())
        return judge


def _plain(target: Target) -> dict[str, Any]:
    """A target as rules compare it: ids are text there."""
    return {name: value if value is None else _text(value) for name, value in target.items()}


def _text(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | list | tuple | Mapping) else str(value)


class Identity(Protocol):
    """Tells who calls."""

    def identify(self, req: falcon.Request) -> Caller:
        """As ``Authorizer`` says."""
        ...


class PolicyAuthorizer:
    """The deployment's authorizer: an identity source and the policy.

    Args:
        identity: tells who calls.
        policy: tells what they may do.
    """

    def __init__(self, identity: Identity, policy: PolicyEnforcer) -> None:
        self._identity = identity
        self._policy = policy

    def identify(self, req: falcon.Request) -> Caller:
        """As ``Authorizer`` says."""
        return self._identity.identify(req)

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """As ``Authorizer`` says."""
        return self._policy.allows(caller, rule, target)
