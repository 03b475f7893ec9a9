"""Keystone's tokens: signed, so that they stay valid over a restart without being stored."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import msgspec

from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.people import User, Users


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a token.

    Attributes:
        scope: id of a project or of the domain, "system", or "" when unscoped.
        generation: of the user's tokens.
    """

    user_id: str
    scope: str
    methods: tuple[str, ...]
    audit_ids: tuple[str, ...]
    issued: float
    expires: float
    generation: int = 0


class Tokens:
    """Issues, checks and revokes tokens."""

    def __init__(
        self,
        secret: bytes,
        clock: SimulatedClock,
        lifetime: float,
        users: Users,
        save: Callable[[set[str]], None],
    ) -> None:
        self._users = users
        self._secret, self._clock, self._lifetime, self._save = secret, clock, lifetime, save
        self.revoked: set[str] = set()

    def issue(
        self,
        user: User,
        scope: str,
        methods: tuple[str, ...],
        parent: Claims | None = None,
    ) -> tuple[str, Claims]:
        """A new token; one made from another expires with it."""
        now = float(int(self._clock.now()))
        audit = base64.urlsafe_b64encode(self._clock.unique().replace("-", "").encode()[:16])
        claims = Claims(
            user_id=user.id,
            scope=scope,
            methods=methods,
            audit_ids=(audit.decode().rstrip("="), *((parent.audit_ids[-1],) if parent else ())),
            issued=now,
            expires=parent.expires if parent else now + self._lifetime,
            generation=user.generation,
        )
        body = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
        return f"{body}.{self._sign(body)}", claims

    def check(self, token: str) -> Claims | None:
        """The claims of a valid token; None when it is forged, expired or revoked."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        padded = body + "=" * (-len(body) % 4)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Claims)
        if claims.expires <= self._clock.now() or claims.audit_ids[0] in self.revoked:
            return None
        user = self._users.get(claims.user_id)
        valid = user is not None and user.enabled and user.generation == claims.generation
        return claims if valid else None

    def revoke(self, claims: Claims) -> None:
        """Make a token invalid from now on."""
        self.revoked.add(claims.audit_ids[0])
        self._save(self.revoked)

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()
