"""Sections that libraries read themselves, from the same files as Vigil."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg

from infrastructure.settings.sections import Settings
from infrastructure.settings.unused import unused_lines

OF_LIBRARIES = frozenset(
    {
        "keystone_authtoken",
        "watcher_clients_auth",
        "oslo_policy",
        "cors",
        "oslo_messaging_notifications",
        "oslo_messaging_rabbit",
        "oslo_messaging_kafka",
    }
)


def is_of_library(section: str) -> bool:
    """Whether a name in a section that is not an option of Vigil belongs to a library."""
    return section in OF_LIBRARIES or section.startswith("cors.")


@dataclass(frozen=True)
class LibraryOptions:
    """The source of a library's options object.

    Attributes:
        files: later ones win.
        decided: (section, name) → value, of Vigil's own settings in the libraries' sections.
    """

    files: Sequence[Path] = ()
    decided: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def load(self) -> cfg.ConfigOpts:
        """A new options object of the files and of ``OS_<SECTION>__<NAME>`` in the environment."""
        conf = cfg.ConfigOpts()
        conf(args=[], project="vigil", default_config_files=[str(path) for path in self.files])
        return conf

    def unknown(self, section: str, known: Collection[str]) -> Iterator[str]:
        """A line for each file with names in a section that are none of the library's options."""
        found = [
            (str(path), section, name)
            for path in self.files
            for name in _parsed(path).get(section, ())
            if name.replace("-", "_") not in known
        ]
        return unused_lines(found, {section: known})

    def settle(self, conf: cfg.ConfigOpts, section: str) -> None:
        """Overrides registered options of a section with Vigil's own settings."""
        for (where, name), value in self.decided.items():
            if where == section and value is not None:
                conf.set_override(name, value, group=section)


def _parsed(path: Path) -> Mapping[str, Any]:
    sections: dict[str, dict[str, Any]] = {}
    cfg.ConfigParser(str(path), sections).parse()
    return sections


def library_options(settings: Settings) -> LibraryOptions:
    """The libraries' options for a process with these settings."""
    access = settings.access
    return LibraryOptions(
        files=settings.config_files,
        decided={
            ("keystone_authtoken", "auth_type"): access.auth_type,
            ("keystone_authtoken", "auth_section"): access.auth_section,
            ("watcher_clients_auth", "auth_type"): settings.cloud.auth_type,
            ("watcher_clients_auth", "auth_section"): settings.cloud.auth_section,
            ("oslo_policy", "policy_file"): access.policy_file,
            ("cors", "allowed_origin"): list(access.allowed_origin),
        },
    )
