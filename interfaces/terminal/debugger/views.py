"""The keys that show something else of the selected line, or copy it."""

import shlex
from collections.abc import Iterable

from interfaces.terminal.debugger.moving import Moving
from interfaces.terminal.debugger.panes import known_resource


class Views(Moving):
    """Hosts, tree, details, reasons, help."""

    def action_toggle_hosts(self) -> None:
        self.query_one("#body").toggle_class("-map")
        self.skipped = 0
        self.moved()

    def action_resource(self) -> None:
        hosts = self.seen.hosts
        if hosts is not None:
            names, known = hosts.resources, known_resource(hosts, self.resource)
            self.resource = names[(names.index(known) + 1) % len(names)]
        self.moved()

    def action_toggle_tree(self) -> None:
        self.go(found=self.session.toggle_tree(), otherwise="this event belongs to no run")

    def action_toggle_every(self) -> None:
        self.session.toggle_every()
        self.moved("every event" if self.session.is_every else "facts only")

    def action_leave(self) -> None:
        if self.is_map:
            self.action_toggle_hosts()
        elif self.session.is_tree:
            self.action_toggle_tree()
        else:
            self.moved()

    def action_details(self) -> None:
        from interfaces.terminal.debugger.texts import details  # noqa: PLC0415 - when needed

        self._read("DETAILS", details(self.session))

    def action_why(self) -> None:
        from interfaces.terminal.debugger.texts import why  # noqa: PLC0415 - when needed

        self._read("WHY", why(self.session, self.tools.records()))

    def action_help(self) -> None:
        from interfaces.terminal.debugger.keys import help_lines  # noqa: PLC0415 - when needed

        self._read("KEYS AND COMMANDS", help_lines())

    def _read(self, name: str, lines: Iterable[str]) -> None:
        from interfaces.terminal.dialogs import Reading  # noqa: PLC0415 - when needed

        self.push_screen(Reading(name, list(lines)))

    def action_copy_command(self) -> None:
        if self.session.selected is not None:
            fact = self.session.selected.fact
            words = ["vigil", "replay", "show", str(fact.aggregate_id), "--at", str(fact.position)]
            self._copy(shlex.join([*words, *self.tools.settings]))

    def action_copy_id(self) -> None:
        if self.session.selected is not None:
            fact = self.session.selected.fact
            self._copy(str(fact.action or fact.aggregate_id))

    def _copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        self.moved(f"copied: {text}")
