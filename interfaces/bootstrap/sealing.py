"""The sealer, and what verifies the seals."""

from collections.abc import Sequence
from pathlib import Path

from application.ports.seal import Anchor, AnchorUnavailable
from application.seal.sealer import Sealer, SealingJob
from infrastructure.seal.anchor_file import AnchorFile
from infrastructure.seal.anchor_stream import AnchorStream
from infrastructure.seal.keys import PrivateKey, PublicKeys, UnusableKey
from infrastructure.settings import Settings
from infrastructure.text_files import read_text
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.workers import nats


def sealing_job(settings: Settings, database: OpenDatabase) -> SealingJob | None:
    """Seals the log at an interval; None without a key.

    Raises:
        UnusableKey: the file of the key cannot be used.
    """
    chosen = settings.seal
    if not chosen.key.exists():
        return None
    seals = database.seals
    sealer = Sealer(seals, seals, PrivateKey.read(chosen.key), anchor(settings), CLOCK)
    return SealingJob(sealer, interval=chosen.interval, clock=CLOCK)


def anchor(settings: Settings) -> Anchor | None:
    """The anchor of the settings; None if they name none.

    Raises:
        AnchorUnavailable: they name two, or a stream but no NATS server.
    """
    chosen = settings.seal
    if chosen.anchor_stream is None:
        return None if chosen.anchor is None else AnchorFile(chosen.anchor)
    if chosen.anchor is not None:
        raise AnchorUnavailable("[vigil] seal_anchor and seal_anchor_stream: give one of them")
    try:
        return AnchorStream(nats(settings), chosen.anchor_stream, settings.nats.replicas)
    except ValueError as error:
        raise AnchorUnavailable(f"[vigil] seal_anchor_stream: {error}") from error


def trusted_keys(settings: Settings, files: Sequence[Path] = ()) -> PublicKeys:
    """The public keys to verify seals with.

    Args:
        settings: name keys.
        files: PEM files; empty: the keys of the settings.

    Raises:
        UnusableKey: there is none, or a file cannot be used.
    """
    paths = files or settings.seal.public_keys
    own = settings.seal.key
    pems = [] if files or not own.exists() else [PrivateKey.read(own).public_pem()]
    try:
        pems += [read_text(path) for path in paths]
    except (OSError, ValueError) as error:
        raise UnusableKey(f"a public key cannot be read: {error}") from error
    if not pems:
        raise UnusableKey(f"there is no key: neither {own} nor a public key (--public-key)")
    return PublicKeys(pems)
