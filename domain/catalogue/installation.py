"""Which plug-ins a decision engine has installed, and which of two versions is newer."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from domain.catalogue.definitions import PluginDefinition, PluginKind

PluginKey = tuple[PluginKind, str]
"""Kind and name of a plug-in."""

_VERSION = re.compile(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)[-._]?([a-z]*)[-._]?(\d*)")
_BEFORE_RELEASE = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1}
_AFTER_RELEASE = {"post": 1, "rev": 1, "r": 1}


@dataclass(frozen=True)
class InstalledPlugin:
    """A plug-in as one installation has it.

    Attributes:
        version: of the distribution that declares it.
        digest: of its definition.
    """

    kind: PluginKind
    name: str
    version: str
    digest: str

    @classmethod
    def of(cls, definition: PluginDefinition, version: str) -> Self:
        """The entry of a definition."""
        return cls(definition.kind, definition.name, version, digest_of(definition))

    @property
    def key(self) -> PluginKey:
        """Kind and name."""
        return self.kind, self.name


@dataclass(frozen=True)
class Installation:
    """The plug-ins of a decision engine.

    Attributes:
        instance: id of the decision engine that reported them.
        host: its host.
    """

    instance: str
    host: str
    plugins: tuple[InstalledPlugin, ...]

    @classmethod
    def of(
        cls,
        instance: str,
        host: str,
        definitions: Iterable[PluginDefinition],
        versions: Mapping[PluginKey, str],
    ) -> Self:
        """The installation of an engine; a plug-in without a version ranks lowest."""
        entries = (InstalledPlugin.of(one, versions.get(one.key, "")) for one in definitions)
        return cls(instance, host, tuple(sorted(entries, key=lambda one: one.key)))

    def get(self, key: PluginKey) -> InstalledPlugin | None:
        """Its plug-in of a kind and name, None if it has none."""
        return next((one for one in self.plugins if one.key == key), None)


def digest_of(definition: PluginDefinition) -> str:
    """A short digest; equal definitions have equal ones."""
    form = [definition.kind, definition.name, definition.display_name, definition.details]
    return sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]


def version_order(version: str) -> tuple[int, tuple[int, ...], int, int]:
    """A sort key of versions of a distribution; text that is no version sorts lowest.

    Source: PEP 440, "Summary of permitted suffixes and relative ordering", without combinations of
    suffixes and without local versions.
    """
    found = _VERSION.match(version.lower())
    if found is None:
        return -1, (), 0, 0
    epoch, release, suffix, number = found.groups()
    numbers = [int(part) for part in release.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    stage = (_BEFORE_RELEASE | _AFTER_RELEASE).get(suffix, 0)
    return int(epoch or 0), tuple(numbers), stage, int(number or 0) if stage else 0
