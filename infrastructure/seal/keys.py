"""Ed25519 keys (RFC 8032) in PEM files."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from infrastructure.text_files import read_text

_NAME = 16
"""Hexadecimal digits of the name of a key."""


class UnusableKey(Exception):
    """A file has no Ed25519 key, or cannot be read or written."""


class PrivateKey:
    """A private key.

    Args:
        key: the key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key = _name(key.public_key())

    @staticmethod
    def read(path: Path) -> "PrivateKey":
        """Reads a file without password.

        Raises:
            UnusableKey: see there.
        """
        try:
            found = load_pem_private_key(read_text(path).encode(), None)
        except OSError as error:
            raise UnusableKey(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UnusableKey(f"{path} has no private key without password: {error}") from error
        if not isinstance(found, Ed25519PrivateKey):
            raise UnusableKey(f"{path}: the key is no Ed25519 key")
        return PrivateKey(found)

    @staticmethod
    def create(path: Path) -> "PrivateKey":
        """Makes a key and writes it to a new file that only this user can read.

        Raises:
            UnusableKey: the file exists or cannot be written.
        """
        key = Ed25519PrivateKey.generate()
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            part.touch(mode=0o600, exist_ok=False)
            part.write_bytes(content)
            os.link(part, path)  # whole, or not at all; never over another key
        except OSError as error:
            raise UnusableKey(f"{path} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        return PrivateKey(key)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return self._key.sign(message)

    def public_pem(self) -> str:
        """The public key, as a PEM file has it."""
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class PublicKeys:
    """The public keys that are trusted.

    Args:
        pems: contents of PEM files.

    Raises:
        UnusableKey: one is no Ed25519 key.
    """

    def __init__(self, pems: Iterable[str]) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        for pem in pems:
            try:
                found = load_pem_public_key(pem.encode())
            except (ValueError, UnsupportedAlgorithm) as error:
                raise UnusableKey(f"this is no public key: {error}") from error
            if not isinstance(found, Ed25519PublicKey):
                raise UnusableKey("the key is no Ed25519 key")
            self._keys[_name(found)] = found

    def knows(self, key: str) -> bool:
        """Whether a key with this name is trusted."""
        return key in self._keys

    def is_signed(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether the signature of a message is of a trusted key."""
        try:
            self._keys[key].verify(signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True


def _name(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:_NAME]
