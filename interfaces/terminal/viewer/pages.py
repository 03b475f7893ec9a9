"""What opens when a row is chosen: a few lines about it, and the list of what belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interfaces.client import ApiError, VigilClient
from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Document, Listing, Subject
from interfaces.terminal.viewer.lists import (
    ACTIONS,
    AUDITS,
    DECISIONS,
    EVENTS,
    HOSTS,
    PARTS,
    PLANS,
    SERVERS,
)
from interfaces.terminal.viewer.lists.events import folded
from interfaces.terminal.viewer.picture import Picture
from interfaces.terminal.viewer.rows_of import (
    action_row,
    because_of,
    decision_rows,
    in_order,
    plan_row,
    related,
    risk,
)
from interfaces.terminal.wording import duration

NOT_FOUND = 404
PAGE = 1000
"""Rows of a list that are asked for at once."""


@dataclass(frozen=True)
class Page:
    """What is shown of a subject.

    Attributes:
        about: name → value, above the list.
        items: rows of the listing.
    """

    subject: Subject
    about: Sequence[tuple[str, str]]
    listing: Listing
    items: Sequence[Document]


class Pages:
    """Reads pages.

    Args:
        api: answers.
        picture: the newest one: it knows the progress of running actions.
    """

    def __init__(self, api: VigilClient, picture: Picture) -> None:
        self._api = api
        self._picture = picture
        self._at = {} if picture.past is None else {"at": picture.past}

    def open(self, subject: Subject) -> Page:
        """The page of a subject.

        Raises:
            ClientError: it cannot be read.
        """
        readers: Mapping[str, Callable[[Subject], Page]] = {
            "audit": self._audit,
            "plan": self._plan,
            "action": self._action,
            "host": self._host,
            "server": self._server,
            "events": self._events,
            "list": self._list,
        }
        return readers[subject.kind](subject)

    # -- work --------------------------------------------------------------------------------------

    def _audit(self, subject: Subject) -> Page:
        one = self._api.get(f"/v1/audits/{subject.id}", **self._at)
        known = {plan["uuid"]: plan for plan in self._picture.plans()}
        asked = {"sort_key": "id", "sort_dir": "desc", "limit": 50}
        found = self._api.get("/v1/action_plans/detail", audit_uuid=one["uuid"], **asked)
        plans = [
            known.get(plan["uuid"], plan_row(plan, self._now)) for plan in found["action_plans"]
        ]
        about = [
            ("audit", f"{one['name']}  {one['uuid']}"),
            ("state", values.joined(one["state"], one.get("status_message"))),
            (
                "type",
                values.joined(
                    one["audit_type"].lower(), one.get("interval") and f"every {one['interval']}"
                ),
            ),
            ("goal", f"{one['goal_name']} by {one['strategy_name'] or 'any strategy'}"),
            ("next run", values.until(one.get("next_run_time"), self._now)),
        ]
        return Page(Subject("audit", one["uuid"], one["name"]), about, PLANS, plans)

    def _plan(self, subject: Subject) -> Page:
        one = self._api.get(f"/v1/action_plans/{subject.id}", **self._at)
        ident = one["uuid"]
        plan = next((row for row in self._picture.plans() if row["uuid"] == ident), None)
        row = plan if plan is not None else plan_row(one, self._now)
        actions = self._actions(ident, row)
        done = values.counts(row)
        about = [
            ("plan", f"{ident}  by {row.get('strategy') or '-'}"),
            ("state", values.joined(row["state"], row.get("message"))),
            ("gain", values.gain(row.get("gain"))),
            ("risk", row.get("risk") or risk(actions)),
            ("time", values.left(row) or self._estimate(ident)),
        ]
        if done is not None:
            parts = [
                f"{getattr(done, name)} {name}" for name in done._fields[1:] if getattr(done, name)
            ]
            about.append(("actions", f"{done.total}: {', '.join(parts) or 'none has ended'}"))
        return Page(Subject("plan", ident, values.brief(ident)), about, ACTIONS, actions)

    def _estimate(self, plan: str) -> str:
        seconds = self._api.get(f"/v1/action_plans/{plan}/estimate")["seconds"]
        return "unknown" if seconds is None else f"{duration(seconds)} expected"

    def _actions(self, plan: str, row: Document) -> list[Document]:
        found = self.every("actions", "/v1/actions/detail", action_plan_uuid=plan)
        reasons = because_of(self._explanation(plan))
        running = {one["uuid"]: one for one in row.get("running") or ()}
        return in_order([action_row(one, running, reasons) for one in found])

    def _explanation(self, plan: str, **only: str) -> Document:
        try:
            found: Document = self._api.get(f"/v1/action_plans/{plan}/explanation", **only)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            return {}
        return found

    def _action(self, subject: Subject) -> Page:
        one = self._api.get(f"/v1/actions/{subject.id}", **self._at)
        plan = one["action_plan_uuid"]
        events = self._api.get(f"/v1/actions/{one['uuid']}/events", limit=PAGE)["events"]
        reasons = because_of(self._explanation(plan))
        row = action_row(one, {}, reasons)
        about = [
            ("action", f"{one['action_type']} {row['target']}  {one['uuid']}"),
            ("state", values.joined(one["state"], one.get("status_message"))),
            ("because", row["because"] or "-"),
            ("plan", plan),
        ]
        rows = [*related(one), *events]
        return Page(Subject("action", one["uuid"], row["target"]), about, PARTS, rows)

    # -- the cloud ---------------------------------------------------------------------------------

    def _host(self, subject: Subject) -> Page:
        one = self._api.get(f"/v1/hosts/{subject.id}", **self._at)
        host = one.get("host", one)
        about = [(column.title, values.plain(column.draw(host))) for column in HOSTS.columns]
        name = host["name"]
        return Page(Subject("host", name, name), about, SERVERS, host["server_list"])

    def _server(self, subject: Subject) -> Page:
        one = self._api.get(f"/v1/servers/{subject.id}", **self._at)
        server = one.get("server", one)
        about = [
            (column.title, text)
            for column in SERVERS.columns
            if (text := values.plain(column.draw(server)))
        ]
        found = self._api.get(f"/v1/servers/{server['uuid']}/decisions")["decisions"]
        name = server["name"] or values.brief(server["uuid"])
        return Page(Subject("server", server["uuid"], name), about, DECISIONS, decision_rows(found))

    # -- lists -------------------------------------------------------------------------------------

    def _events(self, subject: Subject) -> Page:
        kind, _, ident = subject.id.partition("/")
        events = self._api.get(f"/v1/{PATHS[kind]}/{ident}/events", limit=PAGE)["events"]
        name = f"events of {subject.name}"
        return Page(Subject("events", subject.id, name), (), EVENTS, folded(events))

    def _list(self, subject: Subject) -> Page:
        listing = LISTS[subject.id]
        return Page(subject._replace(name=listing.name.lower()), (), listing, self._all(subject.id))

    def _all(self, name: str) -> Sequence[Document]:
        match name:
            case "servers":
                return self.every("servers", "/v1/servers", **self._at)
            case "hosts":
                return self._picture.hosts
            case "audits":
                return self._picture.audits()
            case "plans":
                return self._picture.plans()
            case _:
                return folded(self._picture.rows("events"))

    def every(self, name: str, path: str, **query: Any) -> list[Document]:
        """All rows of a list, page by page."""
        answer = self._api.get(path, **query, limit=PAGE)
        rows = list(answer[name])
        while answer.get("next") and answer[name]:
            marker = answer[name][-1]["uuid"]
            answer = self._api.get(path, **query, limit=PAGE, marker=marker)
            rows += answer[name]
        return rows

    @property
    def _now(self) -> str | None:
        return None if self._picture.overview is None else str(self._picture.overview["at"])


LISTS = {"audits": AUDITS, "plans": PLANS, "hosts": HOSTS, "servers": SERVERS, "events": EVENTS}
"""Lists that have a page."""
PATHS = {"audit": "audits", "plan": "action_plans", "action": "actions"}
"""Kind → collection of the API."""
