"""Options that a plug-in declares (``domain.kernel.options``) as options of a section."""

import types
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from oslo_config import types as oslo

from domain.kernel.options import METADATA, DeclaredOption
from infrastructure.settings.option_types import (
    BOOLEAN,
    Choice,
    Float,
    Integer,
    OptionType,
    numbers_by_name,
    text,
)
from infrastructure.settings.options import Option


class Undeclarable(Exception):
    """A class of options has a field that no option can have; names the field and the rule."""


def declared(section: str, defaults: Any) -> list[Option]:
    """The options of a plug-in.

    Args:
        section: of the configuration file.
        defaults: an instance of the dataclass of options.

    Raises:
        Undeclarable: a field is not an option.
    """
    hints = get_type_hints(type(defaults))
    return [_option(section, one, hints[one.name], defaults) for one in fields(defaults)]


def _option(section: str, one: Field[Any], kind: Any, defaults: Any) -> Option:
    rule = one.metadata.get(METADATA)
    if not isinstance(rule, DeclaredOption) or not rule.help.strip():
        raise Undeclarable(f"{one.name}: must be declared with option() and a help text")
    return Option(
        section,
        one.name,
        _type(one.name, kind, rule),
        getattr(defaults, one.name),
        rule.help,
        secret=rule.secret,
    )


def _whole(limit: float | None) -> int | None:
    return None if limit is None else int(limit)


def _text(rule: DeclaredOption) -> oslo.String:
    return Choice(*rule.choices) if rule.choices else text()


_TYPES: Mapping[Any, Callable[[DeclaredOption], OptionType]] = {
    bool: lambda _: BOOLEAN,
    int: lambda rule: Integer(_whole(rule.least), _whole(rule.most)),
    float: lambda rule: Float(rule.least, rule.most),
    str: _text,
    tuple[str, ...]: lambda rule: oslo.List(_text(rule), type_name="texts separated by commas"),
    Mapping[str, int]: lambda rule: numbers_by_name(_whole(rule.least) or 0),
}
"""Type of a field → the type of its option."""


def _type(name: str, kind: Any, rule: DeclaredOption) -> OptionType:
    arguments = [one for one in get_args(kind) if one is not types.NoneType]
    if get_origin(kind) in {Union, types.UnionType} and len(arguments) == 1:
        return _type(name, arguments[0], rule)
    if kind not in _TYPES:
        raise Undeclarable(f"{name}: an option cannot have the type {kind}")
    return _TYPES[kind](rule)
