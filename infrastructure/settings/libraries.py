"""Sections that libraries read by themselves, from the same files as Vigil's own options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg

from infrastructure.settings.sections import Settings

SECTIONS = frozenset(
    {
        "keystone_authtoken",
        "oslo_policy",
        "oslo_messaging_notifications",
        "oslo_messaging_rabbit",
        "oslo_messaging_kafka",
    }
)
"""Sections in which a name that Vigil does not know is a library's."""


@dataclass(frozen=True)
class LibraryOptions:
    """What a library's options object is made from.

    Attributes:
        files: later ones win.
        decided: (section, name) → value, of what Vigil's own settings say about such a section.
    """

    files: Sequence[Path] = ()
    decided: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def load(self) -> cfg.ConfigOpts:
        """An options object of its own; ``OS_<SECTION>__<NAME>`` in the environment counts too."""
        conf = cfg.ConfigOpts()
        conf(args=[], project="vigil", default_config_files=[str(path) for path in self.files])
        return conf

    def settle(self, conf: cfg.ConfigOpts, section: str) -> None:
        """Makes an options object whose options are registered agree with Vigil's own settings."""
        for (where, name), value in self.decided.items():
            if where == section and value is not None:
                conf.set_override(name, value, group=section)


def library_options(settings: Settings) -> LibraryOptions:
    """The sections of libraries, for a process with these settings."""
    access = settings.access
    return LibraryOptions(
        files=settings.config_files,
        decided={
            ("keystone_authtoken", "auth_type"): access.auth_type,
            ("keystone_authtoken", "auth_section"): access.auth_section,
            ("oslo_policy", "policy_file"): access.policy_file,
        },
    )
