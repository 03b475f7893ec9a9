"""Loads settings from command line, environment, files and defaults; the first source wins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from oslo_config import cfg

from infrastructure.settings.libraries import OF_LIBRARIES, is_of_library
from infrastructure.settings.option_types import FILES as FILE_LIST
from infrastructure.settings.option_types import as_text, parsed
from infrastructure.settings.options import Option
from infrastructure.settings.sections import Settings
from infrastructure.settings.sources import (
    COMMAND_LINE,
    FILES,
    OWN_SECTION,
    SettingsError,
    Sources,
    Texts,
    Value,
    is_of_plugin,
)
from infrastructure.settings.unused import unused_lines
from infrastructure.web_pages import is_loopback

S = TypeVar("S")


@dataclass(frozen=True)
class LoadedSettings:
    """Settings and their sources.

    Attributes:
        values: every option, in the order of declaration.
        ignored: (file, section, name) of names in files that are not options of Vigil.
    """

    settings: Settings
    values: tuple[Value, ...]
    ignored: tuple[tuple[str, str, str], ...] = ()

    def unused(self) -> Iterator[str]:
        """For the log: the names in files that are not options, a line for each file."""
        known: dict[str, list[str]] = {section: [] for section in OF_LIBRARIES}
        for one in self.values:
            known.setdefault(one.option.section, []).append(one.option.name)
        return unused_lines(self.ignored, known)

    def chosen(self, section: str, name: str) -> bool:
        """Whether a source set an option."""
        return any(one.chosen for one in self.values if one.option.key == (section, name))

    def environment(self) -> dict[str, str]:
        """Environment variables with which another process gets the same settings."""
        return {
            **self.settings.sources.for_plugins(),
            **{
                one.option.variable: as_text(one.value)
                for one in self.values
                if one.value is not None
            },
        }

    def values_by_section(self) -> list[Value]:
        """The values grouped by section, sections in the order of declaration."""
        order = {section: rank for rank, section in enumerate(self._sections())}
        return sorted(self.values, key=lambda one: order[one.option.section])

    def _sections(self) -> list[str]:
        return list(dict.fromkeys(one.option.section for one in self.values))


def options(section: type = Settings) -> Iterator[Option]:
    """All options: those of the class itself, then those of its parts."""
    kinds = get_type_hints(section)
    yield from (one.metadata["option"] for one in fields(section) if "option" in one.metadata)
    for name in _parts(section):
        yield from options(kinds[name])


def _parts(section: type) -> list[str]:
    """The names of the fields that hold further options; ``sources`` holds none."""
    return [
        one.name
        for one in fields(section)
        if "option" not in one.metadata and one.name != "sources"
    ]


def load(
    *,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    files: Sequence[Path] | None = None,
) -> LoadedSettings:
    """The settings of a process.

    Args:
        flags: ``section.name`` → text, from the command line.
        environ: environment variables.
        files: configuration files, later ones win; None: those that the environment names
            (VIGIL_CONFIG_FILES, set by a parent process), else ``vigil.conf`` in the usual places
            (``~/.vigil``, ``~``, ``/etc/vigil``, ``/etc``).

    Raises:
        SettingsError: an option is unknown, invalid, or conflicts with another one.
    """
    declared = tuple(options())
    _check_flags(declared, flags or {})
    outside = Sources(flags or {}, environ or {})
    sources = replace(outside, files=_files(files, outside.outside(declared)))
    found = sources.values(declared)
    values = {one.option.key: one.value for one in found}
    settings = replace(_built(Settings, values), sources=sources)
    _check(settings)
    return LoadedSettings(settings, tuple(found), tuple(ignored(declared, sources.files)))


def _check_flags(declared: Sequence[Option], flags: Mapping[str, str]) -> None:
    known = {one.place for one in declared}
    for place in flags:
        if place not in known and not is_of_plugin(place.rpartition(".")[0]):
            raise SettingsError(f"there is no option {place}; `vigil config` lists them")


def _files(asked: Sequence[Path] | None, outside: Texts) -> list[str]:
    """The configuration files: the caller's, else the parent process's, else the usual ones."""
    source, text = outside.get(FILES, ("", ""))
    if asked is not None and source != COMMAND_LINE:
        return [str(path.expanduser().absolute()) for path in asked]
    if source:
        return [str(path) for path in parsed(FILE_LIST, text)]
    return list(cfg.find_config_files("vigil"))


def _built(section: type[S], values: Mapping[tuple[str, str], Any]) -> S:
    kinds = get_type_hints(section)
    parts = {
        one.name: values[cast("Option", one.metadata["option"]).key]
        for one in fields(cast("Any", section))
        if "option" in one.metadata
    }
    parts |= {name: _built(kinds[name], values) for name in _parts(section)}
    return section(**parts)


def ignored(
    declared: Sequence[Option], files: Sequence[str], *, of_plugins: bool = False
) -> Iterator[tuple[str, str, str]]:
    """(file, section, name) of names in files that are not options.

    Args:
        declared: the options.
        files: configuration files.
        of_plugins: whether only the sections of plug-ins are searched, or only the others.

    Raises:
        SettingsError: such a name is in Vigil's own section.
    """
    known = {one.key for one in declared}
    for path in files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(path, sections).parse()
        for section, named in sections.items():
            for name in named:
                if (section, name) in known:
                    continue
                if is_of_library(section) or is_of_plugin(section) is not of_plugins:
                    continue
                if section == OWN_SECTION:
                    raise SettingsError(f"[{section}] {name} ({path}): there is no such option")
                yield path, section, name


def _check(settings: Settings) -> None:
    """Checks rules between options."""
    if settings.service_down_time < 2 * settings.heartbeat_interval:
        raise SettingsError(
            "[DEFAULT] service_down_time: must be at least twice [DEFAULT] periodic_interval "
            f"({settings.heartbeat_interval}), which {settings.service_down_time} is not"
        )
    if settings.streams.limit >= settings.api.threads:
        raise SettingsError(
            "[vigil] event_streams: must be less than [vigil] api_threads "
            f"({settings.api.threads}), which {settings.streams.limit} is not"
        )
    _check_access(settings)
    _check_notifier(settings)
    if (settings.maas.url is None) != (settings.maas.api_key is None):
        raise SettingsError("[maas_client] api_key: must be set together with [maas_client] url")
    metrics = settings.metrics
    if (metrics.username is None) != (metrics.password is None):
        raise SettingsError(
            "[prometheus_client] username: must be set together with [prometheus_client] password"
        )


def _check_notifier(settings: Settings) -> None:
    chosen = settings.notifier
    if chosen.uses_bus and settings.notifications.url is None:
        raise SettingsError(
            "[DEFAULT] transport_url: must be set when [oslo_messaging_notifications] driver is "
            f"{chosen.driver}"
        )
    unlike = sorted(chosen.webhooks.keys() ^ chosen.secrets.keys())
    if unlike:
        raise SettingsError(
            "[vigil] webhook_secrets: must name the same receivers as [vigil] webhooks; "
            f"only one of them names {', '.join(unlike)}"
        )


def _check_access(settings: Settings) -> None:
    api, access = settings.api, settings.access
    reachable = None
    if not is_loopback(api.host):
        reachable = f"[api] host ({api.host}) is not a loopback address"
    elif access.enable_proxy_headers_parsing:
        reachable = "[oslo_middleware] enable_proxy_headers_parsing is true"
    if reachable and not (api.enable_authentication or api.allow_unauthenticated):
        raise SettingsError(
            f"[DEFAULT] enable_authentication: must be true when {reachable}, "
            "unless [vigil] allow_unauthenticated is true"
        )
    if api.enable_ssl_api:
        for name, path in (("cert_file", access.cert_file), ("key_file", access.key_file)):
            if path is None:
                raise SettingsError(f"[ssl] {name}: must be set when [api] enable_ssl_api is true")
