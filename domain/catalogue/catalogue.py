from collections.abc import Collection, Iterable
from dataclasses import field, replace
from typing import Self

from domain.catalogue.definitions import PluginDefinition
from domain.catalogue.events import (
    CatalogueOpened,
    DefinitionChanged,
    DefinitionRegistered,
    DefinitionRetired,
    InstallationForgotten,
    InstallationRecorded,
    InstallationResumed,
)
from domain.catalogue.installation import Installation, PluginKey, digest_of, version_order
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context


class PluginCatalogue(Aggregate):
    """The goals, strategies, planners, scoring engines and action types of all decision engines.

    Engines of different versions may share it: of each plug-in it has the newest definition that
    any of them has installed.

    Attributes:
        installations: by instance of the decision engine that reported it.
    """

    TOPIC = "catalogue"

    definitions: dict[PluginKey, PluginDefinition] = field(default_factory=dict)
    installations: dict[str, Installation] = field(default_factory=dict)

    @classmethod
    def open(cls, ctx: Context) -> Self:
        """Creates an empty catalogue."""
        return cls._new(CatalogueOpened, ctx, CATALOGUE_ID)

    def synchronise(
        self,
        ctx: Context,
        installed: Iterable[PluginDefinition],
        here: Installation,
        gone: Collection[str] = (),
    ) -> list[PluginKey]:
        """Records new, changed and removed plug-ins; nothing if there is no difference.

        Args:
            ctx: time and provenance.
            installed: the definitions of the calling engine.
            here: their versions.
            gone: instances whose plug-ins do not count any more.

        Returns:
            Plug-ins whose recorded definition stays, because another engine has a newer one.
        """
        self._record_installation(ctx, here, gone)
        newer = []
        for definition in sorted(installed, key=lambda one: one.key):
            recorded = self.definitions.get(definition.key)
            if recorded is None:
                self._trigger(DefinitionRegistered, ctx, definition=definition)
            elif recorded != definition:
                if self._is_current(recorded, here):
                    newer.append(definition.key)
                else:
                    self._trigger(DefinitionChanged, ctx, definition=definition)
        found = {one.key for each in self.installations.values() for one in each.plugins}
        for kind, name in sorted(set(self.definitions) - found):
            self._trigger(DefinitionRetired, ctx, kind=kind, name=name)
        return newer

    def _record_installation(self, ctx: Context, here: Installation, gone: Collection[str]) -> None:
        same = next((one for one in self.installations.values() if _same(one, here)), None)
        if same is None:
            self._trigger(InstallationRecorded, ctx, installation=here)
        elif same.instance != here.instance:
            self._trigger(InstallationResumed, ctx, instance=here.instance, previous=same.instance)
        for instance in sorted((set(self.installations) & set(gone)) - {here.instance}):
            self._trigger(InstallationForgotten, ctx, instance=instance)

    def _is_current(self, recorded: PluginDefinition, here: Installation) -> bool:
        """Whether a recorded definition that differs from the one of an installation stays.

        It does if another installation has a newer version, or has the recorded definition in the
        same version: engines that disagree about one version keep the first definition.
        """
        mine = here.get(recorded.key)
        rank = version_order(mine.version if mine else "")
        for other in self.installations.values():
            its = other.get(recorded.key) if other.instance != here.instance else None
            if its is None:
                continue
            order = version_order(its.version)
            if order > rank or (order == rank and its.digest == digest_of(recorded)):
                return True
        return False

    @evolves
    def _listed(self, event: DefinitionRegistered | DefinitionChanged) -> None:
        self.definitions[event.definition.key] = event.definition

    @evolves
    def _retired(self, event: DefinitionRetired) -> None:
        self.definitions.pop((event.kind, event.name), None)

    @evolves
    def _installation_recorded(self, event: InstallationRecorded) -> None:
        self.installations[event.installation.instance] = event.installation

    @evolves
    def _installation_resumed(self, event: InstallationResumed) -> None:
        previous = self.installations.pop(event.previous, None)
        if previous is not None:
            self.installations[event.instance] = replace(previous, instance=event.instance)

    @evolves
    def _installation_forgotten(self, event: InstallationForgotten) -> None:
        self.installations.pop(event.instance, None)


def _same(one: Installation, other: Installation) -> bool:
    return (one.host, one.plugins) == (other.host, other.plugins)
