"""The policy: oslo.policy with the default rules, which an operator's file can override."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import falcon
from oslo_config import cfg
from oslo_policy import opts
from oslo_policy.policy import DocumentedRuleDefault, Enforcer, Operation, RuleDefault

from infrastructure.settings import LibraryOptions
from interfaces.rest.auth import Caller, Identity, Target
from interfaces.rest.rules import ADMIN, ADMIN_OR_SERVICE, RULES, Rule

LOG = logging.getLogger("vigil.policy")

SECTION = "oslo_policy"
NAMESPACE = "vigil"
"""The namespace of these rules for the tools of oslo.policy."""

_CHECKS = {ADMIN: "rule:admin_api", ADMIN_OR_SERVICE: "rule:admin_or_service_api"}
_NAMES = {
    "strategy": ("a strategy", "strategies"),
    "audit": ("an audit", "audits"),
    "audit_template": ("an audit template", "audit templates"),
    "action_plan": ("an action plan", "action plans"),
    "action": ("an action", "actions"),
    "actuation": ("the actuation switch", "actuation switches"),
    "data_model": ("the data model", "the rows of the data model"),
    "event": ("an event", "the events of all objects"),
    "server": ("a server of the cloud", "the servers of the cloud"),
    "host": ("a host of the cloud", "the hosts of the cloud"),
    "overview": ("the overview of the installation", "overviews"),
    "run": ("a run of an audit", "the runs of audits"),
}
_DESCRIPTIONS = {
    "get_all": "List {many}.",
    "detail": "List {many} with details.",
    "get": "Show {one}.",
    "create": "Create {one}.",
    "update": "Change {one}.",
    "delete": "Delete {one}.",
    "events": "Show the events of {one}.",
    "actions": "List the actions of {one}.",
    "explanation": "Show the reasons for the moves of {one}.",
    "whatif": "Repeat the decision of {one} with a change and compare the plans.",
    "decisions": "Show what was decided about {one}.",
    "verification": "Repeat the decision of {one} and compare it with the published plan.",
    "estimate": "Show how long {one} takes.",
    "stream": "Follow {many} as they happen.",
    "start": "Start {one}.",
    "return": "Have a plan made that undoes {one}, and show what became of that.",
    "state": "Show whether the requirements of {one} are met.",
    "trigger": "Trigger an EVENT audit. Checked only if [api] enable_webhooks_auth is true.",
}


def list_rules() -> list[RuleDefault]:
    """Every rule with its default, for enforcement and for the tools of oslo.policy."""
    return [
        RuleDefault("admin_api", "role:admin or role:administrator", "Administrators."),
        RuleDefault(
            "admin_or_service_api",
            "rule:admin_api or role:service",
            "Administrators and service accounts.",
        ),
        RuleDefault("show_password", "!", "Show passwords. Never allowed, and never checked."),
        *(_documented(rule) for rule in RULES.values()),
    ]


def _documented(rule: Rule) -> DocumentedRuleDefault:
    method, _, path = rule.operation.partition(" ")
    operations: list[Operation] = [{"method": method, "path": path}]
    return DocumentedRuleDefault(rule.name, _CHECKS[rule.roles], _description(rule), operations)


def _description(rule: Rule) -> str:
    resource, _, operation = rule.name.partition(":")
    name = resource.replace("_", " ")
    one, many = _NAMES.get(resource, (f"a {name}", f"{name}s"))
    return _DESCRIPTIONS[operation].format(one=one, many=many)


def get_enforcer() -> Enforcer:
    """The rules in force, for ``oslopolicy-policy-generator`` and related tools.

    The tools parse their command line into oslo.config's global options object before they call
    this. Its ``--config-file`` is used, otherwise ``vigil.conf`` in the usual directories.
    """
    command_line = cfg.CONF
    files = list(command_line.config_file or ()) or cfg.find_config_files("vigil")
    found = cfg.ConfigOpts()
    found(args=[], project="vigil", default_config_files=files)
    for conf in (command_line, found):
        opts.set_defaults(conf)
    path = found.find_file(found[SECTION].policy_file)
    command_line.set_override("policy_file", path or found[SECTION].policy_file, group=SECTION)
    enforcer = Enforcer(command_line)
    enforcer.register_defaults(list_rules())
    return enforcer


_UNREADABLE = (ValueError, TypeError, AttributeError, cfg.Error, OSError)
"""What oslo.policy raises for a file that is not YAML, or YAML of another structure."""


class PolicyUnusable(Exception):
    """The policy file is missing or invalid."""


class PolicyEnforcer:
    """Applies the rules; the file is read again when it changes.

    One enforcer reads the files. Requests are checked by a copy of it that never changes, so that
    no request sees rules that are partly loaded. If a file becomes invalid or disappears, the
    previous rules stay in force.

    Args:
        options: source of the section ``[oslo_policy]``.

    Raises:
        PolicyUnusable: a file is invalid, or refers to rules that do not exist.
    """

    def __init__(self, options: LibraryOptions) -> None:
        self._conf = options.load()
        opts.set_defaults(self._conf)
        options.settle(self._conf, SECTION)
        self._reader = Enforcer(self._conf)
        self._reader.register_defaults(list_rules())
        self._lock = threading.Lock()
        self._is_missing = False
        self._check_files()
        self._loaded = self._reader.rules
        self._active = self._frozen()

    @property
    def source(self) -> str | None:
        """The file that overrides defaults, None if there is none."""
        return self._reader.policy_path

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """Whether a rule allows the caller to act on the target; an unknown rule allows nothing."""
        self._refresh()
        credentials: dict[str, Any] = {**caller.credentials, "roles": sorted(caller.roles)}
        return bool(self._active.enforce(rule, _plain(target), credentials))

    def _check_files(self) -> None:
        file = self._conf[SECTION].policy_file
        default = next(one for one in opts.list_opts()[0][1] if one.name == "policy_file").default
        if file != default and self._conf.find_file(file) is None:
            raise PolicyUnusable(f"[oslo_policy] policy_file: file not found: {file}")
        try:
            self._reader.load_rules()
            valid = self._reader.check_rules()
        except _UNREADABLE as error:
            raise PolicyUnusable(f"[oslo_policy] policy_file ({file}): {error}") from error
        if not valid:
            raise PolicyUnusable(
                f"[oslo_policy] policy_file ({self.source}): a rule refers to a rule that does not "
                "exist, or to itself; see the log for its name"
            )

    def _refresh(self) -> None:
        with self._lock:
            if self._is_gone():
                return
            try:
                self._reader.load_rules()
            except _UNREADABLE as error:
                LOG.error(  # noqa: TRY400 - the mistake is in the file, not in the code
                    "policy file %s is invalid, the previous rules stay in force: %s",
                    self.source,
                    error,
                )
                return
            if self._reader.rules is not self._loaded and not self._is_gone():
                self._loaded = self._reader.rules
                self._active = self._frozen()
                LOG.info("policy file %s was read again", self.source)

    def _is_gone(self) -> bool:
        """Whether the file that was read is gone: the defaults could allow more than its rules."""
        path = self.source
        gone = path is not None and not Path(path).exists()
        if gone and not self._is_missing:
            LOG.error("policy file %s is gone, its rules stay in force", path)
        self._is_missing = gone
        return gone

    def _frozen(self) -> Enforcer:
        """An enforcer with the rules that are loaded now."""
        enforcer = Enforcer(self._conf, rules=dict(self._reader.rules), use_conf=False)
        enforcer.register_defaults(list_rules())
        return enforcer


def _plain(target: Target) -> dict[str, Any]:
    """A target with ids as text, as rules compare them."""
    return {name: value if value is None else _text(value) for name, value in target.items()}


def _text(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | list | tuple | Mapping) else str(value)


class PolicyAuthorizer:
    """The authorizer of a deployment: identity and policy.

    Args:
        identity: identifies callers.
        policy: applies the rules.
    """

    def __init__(self, identity: Identity, policy: PolicyEnforcer) -> None:
        self._identity = identity
        self._policy = policy

    def identify(self, req: falcon.Request) -> Caller:
        """See ``Authorizer.identify``."""
        return self._identity.identify(req)

    def allows(self, caller: Caller, rule: str, target: Target) -> bool:
        """See ``Authorizer.allows``."""
        return self._policy.allows(caller, rule, target)
