"""The commands that are entered after a colon, and their completion."""

from collections.abc import Iterator, Mapping, Sequence

from interfaces.terminal.viewer.listing import Document, Subject
from interfaces.terminal.viewer.picture import Picture

KINDS = {
    "audit": "audits",
    "plan": "plans",
    "action": "actions",
    "host": "hosts",
    "server": "servers",
    "event": "events",
}
"""Kind → the list of all."""
LISTED = ("audit", "plan", "host", "server", "event")
"""Kinds whose list opens without an argument."""


class NoSuchThing(Exception):
    """A command names nothing that is known, or too many things; the message says which."""


class Names:
    """What commands can name: names and ids of what was read.

    Args:
        picture: the newest.
        servers: of the cloud, if they were read.
    """

    def __init__(self, picture: Picture, servers: Sequence[Document] = ()) -> None:
        self._known: Mapping[str, list[tuple[str, str]]] = {
            "audit": [(one["name"], one["uuid"]) for one in picture.rows("audits")],
            "plan": [("", one["uuid"]) for one in picture.rows("plans")],
            "action": [(one["target"], one["uuid"]) for one in picture.actions],
            "host": [(one["name"], one["name"]) for one in picture.hosts],
            "server": [(one["name"], one["uuid"]) for one in servers],
        }

    def subject(self, kind: str, word: str) -> Subject:
        """What a kind and a name, an id or the beginning of an id mean.

        Raises:
            NoSuchThing: several things begin so, or it is no kind.
        """
        if kind not in self._known:
            raise NoSuchThing(f":{kind} is no command; ? shows them")
        known = self._known[kind]
        exact = [ident for name, ident in known if word in (name, ident)]
        found = exact or [ident for _, ident in known if ident.startswith(word)]
        if len(set(found)) > 1:
            begin = ", ".join(one[:8] for one in found[:3])
            raise NoSuchThing(f"{len(found)} {kind}s are called {word}: {begin}, …; enter an id")
        ident = found[0] if found else word
        name = next((name for name, one in known if one == ident and name), ident[:8])
        return Subject(kind, ident, name)

    def complete(self, text: str) -> Iterator[str]:
        """The lines that begin with a text, best first."""
        kind, space, word = text.partition(" ")
        if not space:
            yield from (f"{one} " for one in KINDS if text and one.startswith(text))
            return
        names = sorted(name for pair in self._known.get(kind, ()) for name in dict.fromkeys(pair))
        yield from (f"{kind} {name}" for name in names if name and name.startswith(word))
