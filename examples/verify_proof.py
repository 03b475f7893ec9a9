"""Verifies a proof of `vigil seal prove`. Needs the public key and the package cryptography only.

    python verify_proof.py PROOF.json PUBLIC_KEY.pem

Prints one line per event, and exits with 1 at the first one that is not proven. The proof is what
docs/seal.md describes: each event is in a Merkle tree (RFC 9162, 2.1) whose root is signed.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


class NotProven(Exception):
    """The proof does not show what it should."""


def main(proof_file: str, key_file: str) -> int:
    """Verifies a proof; returns the exit code."""
    key = load_pem_public_key(Path(key_file).read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        print("the key is no Ed25519 key")
        return 1
    try:
        proof = json.loads(Path(proof_file).read_text(encoding="utf-8"))
        seals = [verified_seal(seal, key) for seal in proof["seals"]]
        roots = {seal["number"]: seal for seal in seals}
        versions: dict[str, int] = {}
        for event in proof["events"]:
            verify_event(event, roots[event["seal"]])
            count(event, versions)
            sealed = roots[event["seal"]]["sealed_at"]
            print(f"proven  {event['position']:>8}  {event['topic']:<32} sealed {sealed}")
    except (NotProven, KeyError, TypeError, ValueError) as error:
        print(f"NOT PROVEN: {error!r}")
        return 1
    print(f"{len(proof['events'])} events of {len(versions)} aggregates are proven")
    return 0


def verified_seal(seal: dict[str, Any], key: Ed25519PublicKey) -> dict[str, Any]:
    """The statement of a seal, if the key signed it."""
    statement = seal["statement"].encode()
    try:
        key.verify(base64.b64decode(seal["signature"]), b"vigil-seal-1\n" + statement)
    except InvalidSignature:
        raise NotProven("a seal is not signed by this key") from None
    found: dict[str, Any] = json.loads(statement)
    return found


def verify_event(event: dict[str, Any], statement: dict[str, Any]) -> None:
    """Computes the root from an event and its path, and compares it with the signed one."""
    text = event.get("state")
    state = base64.b64decode(event["state_base64"]) if text is None else text.encode()
    values = (event["position"], event["aggregate"], event["version"], event["topic"], state)
    found, index = hashed(b"\x00" + b"".join(map(encoded, values))), event["index"]
    for step in event["path"]:
        if step is not None:
            pair = (bytes.fromhex(step), found) if index % 2 else (found, bytes.fromhex(step))
            found = hashed(b"\x01" + pair[0] + pair[1])
        index //= 2
    if found.hex() != statement["root"]:
        raise NotProven(f"event {event['position']} is not the one that was sealed")


def count(event: dict[str, Any], versions: dict[str, int]) -> None:
    """Checks that no event of the aggregate is left out before this one."""
    expected = versions.get(event["aggregate"], 0) + 1
    if event["version"] != expected:
        raise NotProven(f"{event['aggregate']}: version {expected} is missing")
    versions[event["aggregate"]] = expected


def encoded(value: object) -> bytes:
    """A value with its type and its length before it."""
    kind, content = (
        (b"b", value) if isinstance(value, bytes)
        else (b"s", value.encode()) if isinstance(value, str)
        else (b"i", str(value).encode())
    )  # fmt: skip
    return kind + len(content).to_bytes(8, "big") + content


def hashed(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
