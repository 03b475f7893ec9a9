from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import falcon

from domain.kernel.metadata import Metadata
from interfaces.rest.auth import Authorizer, Caller, Target
from interfaces.rest.errors import PolicyForbids

_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})


@dataclass
class RequestState:
    """What is known of the request being handled.

    Attributes:
        request_id: ``req-<uuid>``.
        started: monotonic seconds.
        minor: negotiated microversion; None where versions mean nothing.
        rule: the policy rule of the route, None if it has none.
        show_deleted: whether the request wants to see what was deleted, too.
        scope: left when the request has been answered.
    """

    request_id: str
    started: float
    authorizer: Authorizer
    minor: int | None = None
    caller: Caller | None = None
    rule: str | None = None
    show_deleted: bool = False
    scope: ExitStack = field(default_factory=ExitStack)
    _allowed: bool = field(default=False)

    @property
    def allowed(self) -> bool:
        """Whether the policy was asked and said yes."""
        return self._allowed

    def authorize(self, target: Target | None = None) -> None:
        """Applies the route's rule.

        Args:
            target: the object to be acted on; the caller's own project and user if not given.

        Raises:
            PolicyForbids: the policy says no.
        """
        if self._allowed:
            return
        caller = self._known()
        rule = cast("str", self.rule)
        if not self.authorizer.allows(caller, rule, target or caller.credentials):
            raise PolicyForbids(rule)
        self._allowed = True

    def open_to(self, caller: Caller) -> None:
        """Lets in whoever calls, without identity or policy: the deployment said so."""
        self.caller, self._allowed = caller, True

    def metadata(self) -> Metadata:
        """The provenance of what the request does. Only an authorized one can do something."""
        if not self._allowed:
            raise RuntimeError(f"{self.rule}: a command before the policy was asked")
        return Metadata(self._known().actor, request_id=self.request_id)

    def at_least(self, minor: int) -> bool:
        """Whether the request's microversion is 1.``minor`` or newer."""
        return (self.minor or 0) >= minor

    def _known(self) -> Caller:
        if self.caller is None:
            raise RuntimeError(f"{self.rule}: the caller was never identified")
        return self.caller


def call_of(req: falcon.Request) -> RequestState:
    """The state of a request."""
    return cast("RequestState", req.context.call)


def truthy(text: str | None) -> bool:
    """Whether header text means yes."""
    return text is not None and text.strip().lower() in _TRUE


def target_of(view: Any) -> Mapping[str, Any]:
    """An object as policy rules may refer to it."""
    return {name: getattr(view, name) for name in ("id", "uuid", "name") if hasattr(view, name)}
