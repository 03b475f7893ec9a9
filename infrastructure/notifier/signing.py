"""Signatures of webhooks.

Source: https://github.com/standard-webhooks/standard-webhooks, symmetric signatures (v1).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
SHORTEST_SECRET = 24
"""Bytes, the least that Standard Webhooks recommends."""


class InvalidSecret(ValueError):
    """A text is no secret; the message says what it must be."""


def secret_key(text: str) -> bytes:
    """The key of a secret: ``whsec_`` and 24 bytes or more in base64.

    Raises:
        InvalidSecret: it is none.
    """
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(SECRET_PREFIX) or len(key) < SHORTEST_SECRET:
        raise InvalidSecret(
            f"must be {SECRET_PREFIX} and at least {SHORTEST_SECRET} random bytes in base64"
        )
    return key


def signed(key: bytes, message_id: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """The headers that identify and sign a request.

    Args:
        key: of the receiver.
        message_id: of the notification.
        seconds: Unix time of the request.
        body: of the request.
    """
    content = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
