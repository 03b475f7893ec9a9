# ruff: noqa: RUF009 - option() returns a dataclasses.field

from dataclasses import dataclass
from pathlib import Path

from infrastructure.settings.option_types import FILE, FILES, Float, text
from infrastructure.settings.options import Derived, option


@dataclass(frozen=True)
class SealSettings:
    """Sealing: signed hashes of all events, by which later changes of the log are found."""

    key: Path = option(
        "vigil.seal_key",
        FILE,
        Derived("seal.key in the data directory", lambda v: v["vigil", "data_dir"] / "seal.key"),
        "File with the private key that signs seals (Ed25519, PEM; `vigil seal key` makes one). "
        "The scheduler seals the log if the file exists. Keep it where users of the database "
        "cannot read it.",
    )
    public_keys: tuple[Path, ...] = option(
        "vigil.seal_public_keys",
        FILES,
        (),
        "Files with further public keys whose seals are trusted (PEM), such as those of earlier "
        "keys. The public key of seal_key is always trusted.",
    )
    interval: float = option(
        "vigil.seal_interval",
        Float(0.1),
        10.0,
        "Seconds after which a new event has its seal at the latest.",
    )
    anchor: Path | None = option(
        "vigil.seal_anchor",
        FILE,
        None,
        "File to which each seal is appended, too: it shows if the last events and seals were "
        "removed together. Keep it where users of the database cannot write.",
    )
    anchor_stream: str | None = option(
        "vigil.seal_anchor_stream",
        text(),
        None,
        "Name of a JetStream stream to which each seal is appended, instead of seal_anchor, such "
        "as VIGIL_SEALS. It is created so that messages can be neither deleted nor purged.",
    )
