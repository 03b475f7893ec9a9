"""The interactive debugger."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from interfaces.terminal.debugger.keys import KEYS
from interfaces.terminal.debugger.searches import Searches


class Debugger(Searches):
    """Walks through a log. It only reads."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.names, key.action, key.help, show=False) for key in KEYS
    ]
