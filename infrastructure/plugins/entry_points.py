"""Entry points of the installed distributions, loaded by stevedore."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from stevedore import ExtensionManager

PRODUCT = "vigil-optimizer"
"""The distribution of Vigil itself."""


@dataclass(frozen=True)
class Origin:
    """An installed distribution."""

    distribution: str
    version: str

    def __str__(self) -> str:
        """Name and version."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def is_product(self) -> bool:
        """Whether it is Vigil itself."""
        return self.distribution == PRODUCT


class Declared:
    """An entry point with its origin; stevedore uses it like one of ``importlib.metadata``.

    Attributes:
        name: of the plug-in.
        origin: the distribution that declares it.
    """

    def __init__(self, entry_point: EntryPoint) -> None:
        found = entry_point.dist
        self._entry_point = entry_point
        self.name = entry_point.name
        self.origin = Origin(found.name, found.version) if found else Origin("unknown", "")

    def load(self) -> object:
        """Imports what the entry point names.

        Raises:
            Exception: the error of the import. A failed assertion or an exit, which stevedore would
                not catch, is an ImportError.
        """
        try:
            return self._entry_point.load()
        except (AssertionError, SystemExit) as error:
            raise ImportError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Imported:
    """An entry point and what it names, or the error of the import."""

    declared: Declared
    value: object = None
    error: BaseException | None = None


class _Manager(ExtensionManager[Any]):
    """stevedore's manager, without its cache on disk.

    The cache does not know the distributions, and it can be out of date for two minutes after an
    installation, because it rounds times of files.
    """

    def __init__(self, group: str, declared: list[Declared]) -> None:
        self._declared = declared
        self.failed: list[Imported] = []
        super().__init__(group, on_load_failure_callback=self._failed)

    def list_entry_points(self) -> list[Any]:
        return self._declared

    def _failed(self, _: object, declared: Any, error: BaseException) -> None:
        self.failed.append(Imported(declared, error=error))


def installed(groups: Iterable[str]) -> list[EntryPoint]:
    """The entry points of the installed distributions in some groups; imports nothing."""
    every = entry_points()
    return [one for group in groups for one in every.select(group=group)]


def in_group(scanned: Iterable[EntryPoint], group: str) -> list[Declared]:
    """The entry points of a group: the product's first, then by distribution and name."""
    found = [Declared(one) for one in scanned if one.group == group]
    return sorted(
        found, key=lambda one: (not one.origin.is_product, one.origin.distribution, one.name)
    )


def imported(group: str, declared: list[Declared]) -> Iterator[Imported]:
    """Imports entry points; the failure of one does not stop the others."""
    manager = _Manager(group, declared)
    values = {id(one.entry_point): one.plugin for one in manager}
    errors = {id(one.declared): one.error for one in manager.failed}
    for one in declared:
        yield Imported(one, values.get(id(one)), errors.get(id(one)))
