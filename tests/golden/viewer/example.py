"""The answers of the API of a busy installation, always the same."""

from datetime import datetime, timedelta
from typing import Any

from interfaces.terminal.viewer.picture import Picture
from interfaces.terminal.viewer.rows_of import action_row, because_of, in_order
from tests.given import NOON

URL = "http://127.0.0.1:9322"
GB = 10**9


def ident(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def role(name: str, doing: str = "", *, age: float = 1.0, state: str = "ACTIVE") -> dict[str, Any]:
    seen = at(-age)
    return {
        "name": name,
        "host": "node-1",
        "state": state,
        "last_seen_up": seen,
        "age": age,
        "restarts": 0 if state == "ACTIVE" else 3,
        "doing": doing,
    }


ROLES = [
    role("watcher-applier", "executes plan 00000031: 3 actions run"),
    role("watcher-decision-engine"),
    role("api", age=0.4),
    role("collector", "collects the compute model"),
    role("listener"),
    role("notifier"),
    role("projector"),
    role("relay"),
    role("scheduler", age=2.0),
]


def audit(number: int, name: str, state: str, kind: str = "ONESHOT", **more: Any) -> dict[str, Any]:
    return {
        "uuid": ident(number),
        "name": name,
        "audit_type": kind,
        "state": state,
        "goal": "server_consolidation",
        "strategy": "vm_workload_consolidation",
        "next_run_time": None,
        "message": "",
        **more,
    }


AUDITS = [
    audit(0x11, "nightly", "ONGOING", "CONTINUOUS", next_run_time=at(5400)),
    audit(0x12, "hourly balance", "PENDING", "CONTINUOUS", next_run_time=at(-30)),
    audit(0x13, "trial", "SUCCEEDED"),
    audit(0x14, "rescue", "FAILED", message="The cloud could not be reached: connection refused."),
]


def plan(number: int, state: str, total: int, counts: str = "", **more: Any) -> dict[str, Any]:
    """``counts``: numbers of succeeded, failed, cancelled, skipped and running actions."""
    succeeded, failed, cancelled, skipped, ongoing = map(int, counts.split() or "00000")
    ended = succeeded + failed + cancelled + skipped
    return {
        "uuid": ident(number),
        "state": state,
        "goal": "server_consolidation",
        "strategy": "vm_workload_consolidation",
        "audit_uuid": ident(0x11),
        "created_at": at(-number * 60),
        "age": number * 60.0,
        "total": total,
        "ended": ended,
        "ongoing": ongoing,
        "succeeded": succeeded,
        "failed": failed,
        "cancelled": cancelled,
        "skipped": skipped,
        "pending": total - ended - ongoing,
        "message": "",
        "gain": {"name": "released_nodes_ratio", "value": 25.0, "unit": "%"},
        "moves": total,
        "running": [],
        "rest": None,
        **more,
    }


def running(number: int, percent: float | None, *, stalled: bool = False) -> dict[str, Any]:
    return {
        "uuid": ident(0x100 + number),
        "action_type": "migrate",
        "target": f"web-{number:02}: compute-01 -> compute-05",
        "seconds": 42.0,
        "percent": percent,
        "detail": "running",
        "size": 8 * GB,
        "copied": None if percent is None else round(percent * 8 * GB / 100),
        "rate": None if percent is None else 112e6,
        "stalled": stalled,
    }


RUNNING = [running(4, 63.0), running(5, 5.0, stalled=True), running(6, None)]
PLANS = [
    plan(
        0x31,
        "ONGOING",
        12,
        "2 1 0 0 3",
        running=RUNNING,
        rest={"seconds": 1260.0, "low": 900.0, "high": 1800.0},
    ),
    plan(0x32, "RECOMMENDED", 7),
    plan(0x33, "FAILED", 9, "3 2 3 1 0", message="2 of 9 actions failed."),
    plan(0x34, "SUCCEEDED", 3, "3 0 0 0 0"),
]
RISKS = {ident(0x32): "no downtime"}


def event(position: int, kind: str, actor: str, summary: str, **more: Any) -> dict[str, Any]:
    return {
        "position": position,
        "at": at(position - 421),
        "actor": actor,
        "actor_kind": "component",
        "type": kind,
        "summary": summary,
        "audit": None,
        "plan": None,
        **more,
    }


def steps(position: int, server: str, *kinds: str) -> list[dict[str, Any]]:
    """The events of an action."""
    what = f"Live migration of {server} from compute-01 to compute-05"
    said = {"intended": "requesting.", "acknowledged": "accepted.", "succeeded": "succeeded."}
    return [
        event(
            position + number,
            f"plan.action-{kind}",
            "applier",
            f"{what}: {said.get(kind, 'failed: No valid host was found.')}",
            plan=ident(0x31),
        )
        for number, kind in enumerate(kinds)
    ]


EVENTS = [
    event(400, "audit.run-requested", "scheduler", "Run 7 requested.", audit=ident(0x11)),
    event(401, "plan.proposed", "decision-engine", "Action plan created (12 actions)."),
    event(402, "plan.launched", "ada", "Action plan launched.", actor_kind="user"),
    *steps(403, "web-01", "intended", "acknowledged", "succeeded"),
    *steps(406, "web-02", "intended", "acknowledged", "succeeded"),
    *steps(409, "web-03", "intended", "acknowledged", "failed"),
    *steps(412, "web-04", "intended", "acknowledged"),
    *steps(414, "web-05", "intended", "acknowledged"),
    *steps(416, "web-06", "intended"),
    event(421, "service.state-changed", "notifier", "Service watcher-applier is ACTIVE again."),
]

OVERVIEW: dict[str, Any] = {
    "at": at(0),
    "end": 421,
    "health": {
        "state": "warning",
        "problems": [
            {
                "code": "migration-stalled",
                "severity": "warning",
                "subject": "action 00000105",
                "text": "The migration of web-05 has not progressed since 11:59:00 UTC.",
                "since": at(-60),
            }
        ],
    },
    "installation": {
        "version": "1.0.0",
        "cloud": "production",
        "database": "postgresql://vigil:***@db/vigil",
        "simulated": False,
        "pid": None,
        "api_url": None,
    },
    "actuation": {"on": True, "reason": None, "since": None},
    "roles": ROLES,
    "models": [
        {
            "cloud": "production",
            "kind": "compute",
            "sizes": {"hosts": 12, "servers": 96},
            "age": 12.0,
            "stale": False,
            "problems": 0,
            "failure": None,
            "absent": False,
        }
    ],
    "audits": AUDITS,
    "plans": PLANS,
    "projections": [
        {"name": "plans", "position": 404, "lag": 17, "building": False, "quarantined": 0}
    ],
    "quarantined": 0,
    "discarded_messages": [],
    "events": EVENTS,
}


def amount(total: int, used: float, *, ratio: float = 1.0) -> dict[str, Any]:
    return {"total": total, "ratio": ratio, "used": used, "capacity": total * ratio}


def host(number: int, *, zone: str | None = None, **more: Any) -> dict[str, Any]:
    used = 16384 * (number * 5 % 9)
    return {
        "name": f"compute-{number:02}",
        "uuid": ident(0x500 + number),
        "zone": zone or ("az-1" if number <= 6 else "az-2"),
        "status": "enabled",
        "state": "up",
        "disabled_reason": None,
        "servers": number * 5 % 9 * 2,
        "vcpus": amount(64, number * 5 % 9 * 8, ratio=4.0),
        "memory_mb": amount(131072, used),
        "disk_gb": {**amount(1000, 250), "capacity": None},
        "after": None,
        **more,
    }


def hosts(count: int) -> list[dict[str, Any]]:
    found = [host(number) for number in range(1, count + 1)]
    found[0]["after"] = {"servers": 0, "vcpus": 0.0, "memory_mb": 0.0, "disk_gb": 0.0}
    found[4]["after"] = {"servers": 20, "vcpus": 74.0, "memory_mb": 131072.0, "disk_gb": 400.0}
    found[3] |= {"status": "disabled", "disabled_reason": "Vigil: consolidation"}
    found[7]["state"] = "down"
    return found


HOSTS = hosts(12)


def server(number: int) -> dict[str, Any]:
    return {
        "uuid": ident(0x9000 + number),
        "name": f"web-{number:02}",
        "host": f"compute-{number % 12 + 1:02}",
        "state": "ACTIVE",
        "vcpus": 2,
        "memory_mb": 4096,
        "disk_gb": 20,
        "project": f"project-{number % 7}",
        "locked": number % 50 == 0,
        "after_host": None,
    }


STATES = ["SUCCEEDED", "SUCCEEDED", "FAILED", *["ONGOING"] * 3, *["PENDING"] * 6]
ACTIONS = [
    {
        "uuid": ident(0x100 + number),
        "action_plan_uuid": ident(0x31),
        "state": STATES[number - 1],
        "action_type": "migrate",
        "parents": [ident(0x100 + number - 6)] if number > 6 else [],
        "input_parameters": {
            "migration_type": "live",
            "resource_id": ident(0x9000 + number),
            "resource_name": f"web-{number:02}",
            "source_node": "compute-01",
            "destination_node": "compute-05",
        },
        "status_message": "No valid host was found." if number == 3 else None,
    }
    for number in range(1, 13)
]
EXPLANATION = {
    "action_plan_uuid": ident(0x31),
    "moves": [
        {
            "action_uuid": one["uuid"],
            "action_type": "migrate",
            "input_parameters": one["input_parameters"],
            "parents": one["parents"],
            "because": {
                "reason": "host-emptied",
                "facts": {},
                "text": "compute-01 is emptied: its servers fit on other hosts.",
            },
        }
        for one in ACTIONS
    ],
    "rejections": [
        {
            "subject": "server web-13",
            "kind": "server",
            "id": ident(0x900D),
            "because": {"reason": "locked", "facts": {}, "text": "web-13 is locked."},
        }
    ],
    "rejection_count": 1,
    "notes": [],
    "indicators": {},
}


def picture(**more: Any) -> Picture:
    """The newest picture of it."""
    progress = {one["uuid"]: one for one in RUNNING}
    reasons = because_of(EXPLANATION)
    found: dict[str, Any] = {
        "url": URL,
        "overview": OVERVIEW,
        "hosts": HOSTS,
        "actions": [action_row(one, progress, reasons) for one in in_order(ACTIONS)],
        "actions_of": f"of plan {ident(0x31)[:8]} ONGOING",
        "risks": RISKS,
        "taken": NOON,
        **more,
    }
    return Picture(**found)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)
