"""Loads settings from command line, environment, files and defaults; the first source wins.

oslo.config reads the files, so sections, ``$substitution`` and the usual places work as in every
OpenStack service. It returns texts; texts of all sources are then parsed by the option's type, so
an error always names the option, the source and the rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from oslo_config import cfg

from infrastructure.settings.api import is_loopback
from infrastructure.settings.libraries import SECTIONS as OF_LIBRARIES
from infrastructure.settings.option_types import FILES as FILE_LIST
from infrastructure.settings.option_types import as_text, parsed
from infrastructure.settings.options import Derived, Option
from infrastructure.settings.sections import Settings

OWN_SECTION = "vigil"
"""An unknown name in this section is an error; in another section it may be Watcher's."""
FILES = (OWN_SECTION, "config_files")
"""The option that names the files to read."""

COMMAND_LINE = "command line"

S = TypeVar("S")


class SettingsError(Exception):
    """A setting is invalid. The message names the option, its source, and the rule."""


@dataclass(frozen=True)
class Value:
    """The value of an option and its source.

    Attributes:
        source: ``command line``, ``environment VARIABLE``, a file's path, or ``default``.
        chosen: whether a source set it; False for the default.
    """

    option: Option
    value: Any
    source: str
    chosen: bool


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

    def chosen(self, section: str, name: str) -> bool:
        """Whether a source set an option."""
        return any(one.chosen for one in self.values if one.option.key == (section, name))

    def environment(self) -> dict[str, str]:
        """Environment variables with which another process gets the same settings."""
        return {
            one.option.variable: as_text(one.value) for one in self.values if one.value is not None
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
    inner = [one.name for one in fields(section) if "option" not in one.metadata]
    yield from (one.metadata["option"] for one in fields(section) if one.name not in inner)
    for name in inner:
        yield from options(kinds[name])


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
    outside = {
        **_from_environment(declared, environ or {}),
        **_from_flags(declared, flags or {}),
    }
    found = _files(files, outside)
    texts = {**_from_files(declared, found), **outside}
    texts[FILES] = ("configuration files found", ",".join(found))
    values: dict[tuple[str, str], Any] = {}
    loaded: list[Value] = []
    for one in declared:
        if one.key in texts:
            source, text = texts[one.key]
            values[one.key] = _value(one, text, source)
            loaded.append(Value(one, values[one.key], source, chosen=True))
        else:
            default = one.default
            values[one.key] = default.compute(values) if isinstance(default, Derived) else default
            loaded.append(Value(one, values[one.key], "default", chosen=False))
    settings = _built(Settings, values)
    _check(settings)
    return LoadedSettings(settings, tuple(loaded), tuple(_ignored(declared, found)))


Texts = dict[tuple[str, str], tuple[str, str]]
"""(section, name) → (source, text)."""


def _files(asked: Sequence[Path] | None, outside: Texts) -> list[str]:
    """The configuration files: the caller's, else the parent process's, else the usual ones."""
    source, text = outside.get(FILES, ("", ""))
    if asked is not None and source != COMMAND_LINE:
        return [str(path.expanduser().absolute()) for path in asked]
    if source:
        return [str(path) for path in parsed(FILE_LIST, text)]
    return list(cfg.find_config_files("vigil"))


def _from_files(declared: Sequence[Option], files: Sequence[str]) -> Texts:
    conf = cfg.ConfigOpts()
    for one in declared:
        conf.register_opt(cfg.StrOpt(one.name), group=_group(one.section))
    try:
        conf(args=[], project="vigil", default_config_files=list(files), use_env=False)
    except cfg.ConfigFilesNotFoundError as error:
        raise SettingsError(f"configuration file {_first(error)} cannot be read") from error
    except (cfg.Error, OSError) as error:
        raise SettingsError(f"configuration file: {error}") from error
    texts: Texts = {}
    for one in declared:
        text = _file_text(conf, one)
        if text is not None:
            where = conf.get_location(one.name, _group(one.section))
            if one.key == FILES:
                raise SettingsError(f"{one.label}: cannot be set in a file")
            texts[one.key] = (where.detail if where else "file", text)
    return texts


def _file_text(conf: cfg.ConfigOpts, one: Option) -> str | None:
    section = _group(one.section)
    try:
        found = conf[one.name] if section is None else conf[section][one.name]
    except cfg.Error as error:
        raise SettingsError(f"{one.label}: {error}") from error
    return None if found is None else str(found)


def _first(error: cfg.ConfigFilesNotFoundError) -> str:
    return ", ".join(str(path) for path in error.config_files)


def _group(section: str) -> str | None:
    return None if section == "DEFAULT" else section


def _from_environment(declared: Sequence[Option], environ: Mapping[str, str]) -> Texts:
    return {
        one.key: (f"environment {one.variable}", environ[one.variable])
        for one in declared
        if environ.get(one.variable, "")
    }


def _from_flags(declared: Sequence[Option], flags: Mapping[str, str]) -> Texts:
    known = {f"{one.section}.{one.name}": one for one in declared}
    for place in flags:
        if place not in known:
            raise SettingsError(f"there is no option {place}; `vigil config` lists them")
    return {known[place].key: (COMMAND_LINE, text) for place, text in flags.items()}


def _value(one: Option, text: str, source: str) -> Any:
    try:
        value = parsed(one.kind, text)
    except ValueError:
        shown = "the value given" if one.secret else repr(text)
        raise SettingsError(
            f"{one.label} ({source}): must be {one.kind.type_name}, which {shown} is not"
        ) from None
    return {**one.default, **value} if isinstance(one.default, Mapping) else value


def _built(section: type[S], values: Mapping[tuple[str, str], Any]) -> S:
    kinds = get_type_hints(section)
    parts = {
        one.name: (
            values[cast("Option", one.metadata["option"]).key]
            if "option" in one.metadata
            else _built(kinds[one.name], values)
        )
        for one in fields(cast("Any", section))
    }
    return section(**parts)


def _ignored(declared: Sequence[Option], files: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    known = {one.key for one in declared}
    for path in files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(path, sections).parse()
        for section, named in sections.items():
            for name in named:
                if (section, name) in known:
                    continue
                if section in OF_LIBRARIES:
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
    metrics = settings.metrics
    if (metrics.username is None) != (metrics.password is None):
        raise SettingsError(
            "[prometheus_client] username: must be set together with [prometheus_client] password"
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
