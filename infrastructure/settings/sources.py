"""Where values come from: command line, environment, files, defaults; the first source wins.

oslo.config reads the files, so sections, ``$substitution`` and the usual places work as in every
OpenStack service. It returns texts; texts of all sources are then parsed by the option's type, so
an error always names the option, the source and the rule.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg, iniparser

from infrastructure.settings.option_types import RuleBroken, accepts_empty, parsed
from infrastructure.settings.options import Derived, Option, variable
from infrastructure.text_files import NotText, read_text


def _parse(parser: cfg.ConfigParser) -> None:
    """Reads a configuration file as all others that users write; oslo.config has no hook for it."""
    try:
        text = read_text(Path(parser.filename))
    except NotText as error:
        raise NotText(f"{parser.filename}: {error}") from error
    iniparser.BaseParser.parse(parser, io.StringIO(text, newline=None))


cfg.ConfigParser.parse = _parse  # type: ignore[method-assign,assignment]

OWN_SECTION = "vigil"
"""An unknown name in this section is an error; in another section it may be Watcher's."""
FILES = (OWN_SECTION, "config_files")
"""The option that names the files to read."""
COMMAND_LINE = "command line"
OF_PLUGINS = ("strategies", "planners", "actions", "datasources")
"""Each plug-in of these kinds has a section ``[watcher_<kind>.<name>]``."""

Texts = dict[tuple[str, str], tuple[str, str]]
"""(section, name) → (source, text)."""


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


def is_of_plugin(section: str) -> bool:
    """Whether a section has options of a plug-in, which are known once it is loaded."""
    return section.startswith(tuple(f"watcher_{kind}." for kind in OF_PLUGINS))


@dataclass(frozen=True)
class Sources:
    """The sources of the settings of a process.

    Attributes:
        flags: ``section.name`` → text, from the command line.
        environ: environment variables.
        files: configuration files, later ones win.
    """

    flags: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Sequence[str] = ()

    def values(self, declared: Sequence[Option]) -> list[Value]:
        """The values of options, in their order.

        Raises:
            SettingsError: a value is invalid, or a file cannot be read.
        """
        texts = {**_from_files(declared, self.files), **self.outside(declared)}
        texts[FILES] = ("configuration files found", ",".join(self.files))
        values: dict[tuple[str, str], Any] = {}
        found: list[Value] = []
        for one in declared:
            if one.key in texts:
                source, text = texts[one.key]
                values[one.key] = _value(one, text, source)
                found.append(Value(one, values[one.key], source, chosen=True))
            else:
                default = one.default
                values[one.key] = (
                    default.compute(values) if isinstance(default, Derived) else default
                )
                found.append(Value(one, values[one.key], "default", chosen=False))
        return found

    def for_plugins(self) -> dict[str, str]:
        """Environment variables with which another process gets the same options of plug-ins."""
        prefixes = tuple(f"VIGIL_{kind.upper()}_" for kind in OF_PLUGINS)
        inherited = {k: text for k, text in self.environ.items() if k.startswith(prefixes)}
        places = {place.rpartition(".")[::2]: text for place, text in self.flags.items()}
        given = {variable(*at): text for at, text in places.items() if is_of_plugin(at[0])}
        return {**inherited, **given}

    def outside(self, declared: Sequence[Option]) -> Texts:
        """The texts from the environment and the command line."""
        return {
            **{
                one.key: (f"environment {one.variable}", self.environ[one.variable])
                for one in declared
                if self.environ.get(one.variable, "")
            },
            **{
                one.key: (COMMAND_LINE, self.flags[one.place])
                for one in declared
                if one.place in self.flags
            },
        }


def _from_files(declared: Sequence[Option], files: Sequence[str]) -> Texts:
    conf = cfg.ConfigOpts()
    for one in declared:
        conf.register_opt(cfg.StrOpt(one.name), group=_group(one.section))
    try:
        conf(args=[], project="vigil", default_config_files=list(files), use_env=False)
    except cfg.ConfigFilesNotFoundError as error:
        raise SettingsError(f"configuration file {_first(error)} cannot be read") from error
    except (cfg.Error, OSError, NotText) as error:
        raise SettingsError(f"configuration file: {error}") from error
    texts: Texts = {}
    for one in declared:
        text = _file_text(conf, one)
        # tools write `name =` for what they do not set
        if text is not None and (text.strip() or accepts_empty(one.kind)):
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


def _value(one: Option, text: str, source: str) -> Any:
    try:
        value = parsed(one.kind, text)
    except ValueError as error:
        shown = "the value given" if one.secret else repr(text)
        hint = f". {error}" if isinstance(error, RuleBroken) else ""
        raise SettingsError(
            f"{one.label} ({source}): must be {one.kind.type_name}, which {shown} is not{hint}"
        ) from None
    return {**one.default, **value} if isinstance(one.default, Mapping) else value
