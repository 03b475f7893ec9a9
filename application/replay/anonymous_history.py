"""A history with pseudonyms instead of names and ids."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from application.ports.seal import StoredEntry
from application.replay.anonymous_names import Names, Rewrite
from application.replay.history_items import Item, StoredContent


class NotAnonymisable(ValueError):
    """An event or a record is no JSON. The message names it."""


def anonymised(items: Sequence[Item]) -> Iterator[Item]:
    """The same history with pseudonyms; seals are left out, as other content has other hashes.

    Names and ids are those of users, projects, audits, hosts, servers and what else models name.
    The same one has the same pseudonym everywhere, also within sentences. A name that is also a
    word of the format (``active``) stays.

    Raises:
        NotAnonymisable: an item is no JSON.
    """
    names = Names()
    events = [(one, _json(one.state, f"position {one.position}")) for one in _entries(items)]
    contents = {
        one.digest: _json(one.content, f"record {one.digest}")
        for one in items
        if isinstance(one, StoredContent)
    }
    for entry, state in events:
        names.add_event(UUID(str(entry.aggregate)), str(entry.topic), state)
    for content in contents.values():
        names.add_content(content)
    rewrite = names.rewriter()
    records = _Records(contents, rewrite)
    for digest in contents:
        records.new_digest(digest)
    for entry, state in events:
        aggregate = rewrite(str(entry.aggregate))
        yield replace(entry, aggregate=aggregate, state=_rewritten(state, records.text))
    yield from (StoredContent(digest, content) for digest, content in records.written.items())


class _Records:
    """Rewrites records; those that a record refers to first, as it holds their digests."""

    def __init__(self, contents: dict[str, Any], rewrite: Rewrite) -> None:
        self._contents = contents
        self._rewrite = rewrite
        self._digests: dict[str, str] = {}
        self.written: dict[str, bytes] = {}

    def new_digest(self, digest: str) -> str:
        found = self._digests.get(digest)
        if found is None:
            content = _rewritten(self._contents[digest], self.text)
            found = self._digests[digest] = sha256(content).hexdigest()
            self.written[found] = content
        return found

    def text(self, text: str) -> str:
        return self.new_digest(text) if text in self._contents else self._rewrite(text)


def _entries(items: Sequence[Item]) -> Iterator[StoredEntry]:
    return (one for one in items if isinstance(one, StoredEntry))


def _json(content: Any, what: str) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnonymisable(f"{what} cannot be anonymised: {error}") from error


def _rewritten(value: Any, text: Callable[[str], str]) -> bytes:
    return msgspec.json.encode(_replaced(value, text))


def _replaced(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): _replaced(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, text) for inner in value]
    return value
