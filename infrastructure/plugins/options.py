"""The options of the installed plug-ins: ``[watcher_<kind>.<name>]`` of the configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.kernel.errors import InvalidValue
from infrastructure.plugins.registry import Registry
from infrastructure.settings import LoadedSettings, SettingsError, Sources, Value
from infrastructure.settings.declared import declared
from infrastructure.settings.load import ignored
from infrastructure.settings.metrics import StrategyDatasources, own_order
from infrastructure.settings.options import Option

SECTIONS = {
    "strategy": "watcher_strategies",
    "planner": "watcher_planners",
    "action handler": "watcher_actions",
    "datasource": "watcher_datasources",
}
"""Kind of plug-in → prefix of its section."""
DATASOURCES = "datasources"
"""The option that every strategy has."""


class PluginOptions:
    """Reads the options of plug-ins.

    Args:
        registry: the installed plug-ins.
        sources: of the settings of this process.
    """

    def __init__(self, registry: Registry, sources: Sources) -> None:
        self._registry = registry
        self._sources = sources

    def of(self, kind: str) -> dict[str, Any]:
        """Name of a plug-in → its options, for all plug-ins of a kind.

        Raises:
            SettingsError: a value breaks its rule; names section, option and rule.
        """
        return {
            name: _made(defaults, self._read(kind, name, defaults))
            for name, defaults in self._defaults(kind).items()
        }

    def datasource_orders(self) -> dict[str, tuple[str, ...]]:
        """Strategy → its own order of datasources, for those of other distributions."""
        return {
            name: one.value
            for name, defaults in self._defaults("strategy").items()
            for one in self._read("strategy", name, defaults)
            if one.option.name == DATASOURCES and one.value is not None
        }

    def values(self) -> Iterator[Value]:
        """All options of plug-ins with their values and sources.

        Raises:
            SettingsError: as ``of``.
        """
        for kind, name, defaults in self._all():
            values = self._read(kind, name, defaults)
            _made(defaults, values)
            yield from values

    def declared(self) -> list[Option]:
        """All options of plug-ins."""
        return [one for kind, name, plain in self._all() for one in _options(kind, name, plain)]

    def _all(self) -> Iterator[tuple[str, str, Any]]:
        """(kind, name, default options). The product's handlers and datasources have no options."""
        for kind in SECTIONS:
            if kind in {"strategy", "planner"} or self._registry.has_others(kind):
                yield from ((kind, name, found) for name, found in self._defaults(kind).items())

    def _defaults(self, kind: str) -> Mapping[str, Any]:
        if kind == "planner":
            types = self._registry.optimizers.action_types.values()
            planners = self._registry.optimizers.planners
            return {name: one.defaults(types) for name, one in planners.items()}
        return {name: one.options() for name, one in self._registry.of(kind).items()}

    def _read(self, kind: str, name: str, defaults: Any) -> list[Value]:
        return self._sources.values(_options(kind, name, defaults))


def with_plugins(loaded: LoadedSettings, registry: Registry) -> LoadedSettings:
    """Settings with the options of plug-ins.

    Raises:
        SettingsError: an option of a plug-in is invalid.
    """
    values = (*loaded.values, *PluginOptions(registry, loaded.settings.sources).values())
    files, known = loaded.settings.sources.files, [one.option for one in values]
    unknown = (*loaded.ignored, *ignored(known, files, of_plugins=True))
    return replace(loaded, values=values, ignored=unknown)


def _options(kind: str, name: str, defaults: Any) -> list[Option]:
    section = f"{SECTIONS[kind]}.{name}"
    found = declared(section, defaults)
    if kind == "strategy" and name not in StrategyDatasources.__annotations__:
        found.append(own_order(name))
    return found


def _made(defaults: Any, values: list[Value]) -> Any:
    chosen = {one.option.name: one.value for one in values}
    chosen = {name: value for name, value in chosen.items() if hasattr(defaults, name)}
    try:
        return type(defaults)(**chosen)
    except (InvalidValue, ValueError) as error:
        section = values[0].option.section if values else ""
        raise SettingsError(f"[{section}] {error}") from error
