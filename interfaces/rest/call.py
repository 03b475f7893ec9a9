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
    """The state of a request while it is handled.

    Attributes:
        request_id: ``req-<uuid>``.
        started: monotonic seconds.
        minor: negotiated minor version; None on paths without microversions.
        rule: the policy rule of the route, None if it has none.
        show_deleted: whether deleted objects are included.
        scope: closed when the request has been answered.
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
        """Whether the policy was checked and allows the request."""
        return self._allowed

    def authorize(self, target: Target | None = None) -> None:
        """Applies the route's rule.

        Args:
            target: the object of the request; the caller's own project and user if not given.

        Raises:
            PolicyForbids: the policy does not allow it.
        """
        if self._allowed:
            return
        caller = self._identified()
        rule = cast("str", self.rule)
        if not self.authorizer.allows(caller, rule, target or caller.credentials):
            raise PolicyForbids(rule)
        self._allowed = True

    def allow(self, caller: Caller) -> None:
        """Allows the request without identity and policy, for routes with Access.OPEN."""
        self.caller, self._allowed = caller, True

    def metadata(self) -> Metadata:
        """The metadata of the request's events. Only for an authorized request.

        Raises:
            RuntimeError: the policy was not checked, a defect.
        """
        if not self._allowed:
            raise RuntimeError(f"{self.rule}: a command before the policy was checked")
        return Metadata(self._identified().actor, request_id=self.request_id)

    def at_least(self, minor: int) -> bool:
        """Whether the request's microversion is 1.``minor`` or newer."""
        return (self.minor or 0) >= minor

    def _identified(self) -> Caller:
        if self.caller is None:
            raise RuntimeError(f"{self.rule}: the caller was never identified")
        return self.caller


def call_of(req: falcon.Request) -> RequestState:
    """The state of a request."""
    return cast("RequestState", req.context.call)


def truthy(text: str | None) -> bool:
    """Whether the text of a header means true."""
    return text is not None and text.strip().lower() in _TRUE


def target_of(view: Any) -> Mapping[str, Any]:
    """The attributes of an object that policy rules can refer to."""
    return {name: getattr(view, name) for name in ("id", "uuid", "name") if hasattr(view, name)}
