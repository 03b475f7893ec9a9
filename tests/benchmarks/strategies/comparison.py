"""Our strategies beside the original's, in turns, on the same generated clusters.

``python -m tests.benchmarks original --original PYTHON --tools FOLDER --work FOLDER`` measures and
rewrites ``record.json``; without the options the table shows what is recorded there. PYTHON is of
an environment with the original (``python-watcher``) installed; without ``--original`` our side of
the recorded rows is measured again, and the figures of the original are kept. The folder of tools
has

* ``gen.py --size S --profile p1 --out FILE``: writes a cluster in the portable form;
* ``run_upstream.py one --cluster FILE --case NAME --cap SECONDS --out FILE``: runs a strategy of
  the original and writes ``status``, ``cpu_s`` and ``check`` (as ``check.py``) as JSON;
* ``check.py FILE [SOLUTION]``: prints ``bounds`` and, of a list of actions, ``check`` as JSON.

Each run is one process, and its result a file in the work folder: a measurement that is repeated
with the same folder goes on where it ended.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Cell, Table, machine
from tests.benchmarks.strategies.cases import CASES, Data, with_nodes
from tests.benchmarks.strategies.ours import in_new_process

RECORD = Path(__file__).parent / "record.json"
PROFILES = ("p1", "p4")
SIZES = ("S", "M", "L", "XL")
REPEATS = 3
LONG = 5.0
"""CPU seconds; a run of the original that took longer is not repeated."""
AS_MANY = {"workload_balance": 1}
"""The most migrations of our plan: one step, as the original takes it."""
AS_MANY_AS_THE_ORIGINAL = "workload_balance/iterated"
ONE_THREAD = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

COLUMNS = (
    "strategy",
    "size",
    "profile",
    "strategy alone, s",
    "the original, s",
    "times",
    "rows to plan, s",
    "memory, MB",
    "hosts before",
    "least hosts",
    "hosts after",
    "spread after, % points",
    "migrations",
    "rules broken",
)
NOTES = (
    (
        "Both sides in turns on one machine, one process per run, the least CPU time if several. "
        "`python -m tests.benchmarks original --original PYTHON --tools FOLDER --work FOLDER` "
        "measures it again; tests/benchmarks/strategies/comparison.py says what the options are."
    ),
    (
        "*Strategy alone*: CPU time of our `solve`, explanations included, with model and metrics "
        "in memory; the original's is that of its strategy's `execute()`, of python-watcher "
        "17.0.0, likewise. *Times* is the ratio of these two. *Rows to plan*: CPU time of ours "
        "from the rows of the cluster to the plan: model, strategy and planner."
    ),
    (
        "Sizes: S 50 hosts and 500 servers, M 200 and 2,000, L 1,000 and 10,000, XL 5,000 and "
        "50,000. Profiles: p1 one vCPU per core, so that vCPUs are scarce; p4 four, so that memory "
        "is."
    ),
    (
        "*a / b*: ours / the original's, as an independent checker replays the plans. *Least "
        "hosts* is the proven bound for any number of migrations. *Rules broken* counts hosts over "
        "their capacity after any step. Migrations without a destination are placed on the host "
        "with most free memory."
    ),
    (
        "workload_balance: one migration on both sides. Iterated: the original's audits until "
        "nothing is left to do, ours one audit with at most as many migrations."
    ),
)


@dataclass(frozen=True)
class Setting:
    """What is measured, and with which tools.

    Attributes:
        python: the Python with the original; None: its recorded figures are kept.
        tools, work: folders.
        sizes, profiles, cases: of the clusters and strategies.
        cap: CPU seconds after which the original is stopped.
        repeats: runs of each side; the one with the least CPU time counts.
    """

    python: Path | None
    tools: Path
    work: Path
    sizes: tuple[str, ...] = SIZES
    profiles: tuple[str, ...] = PROFILES
    cases: tuple[str, ...] = CASES
    cap: int = 300
    repeats: int = REPEATS


def measure(setting: Setting) -> None:
    """Measures both sides and rewrites the record, after each case."""
    before = os.getloadavg()[0]
    if setting.python is None:
        _measure_ours(setting, machine(before))
        return
    rows: list[Data] = []
    for profile in setting.profiles:
        for case in setting.cases:
            for row in _rows(setting, case, profile):
                print(case, profile, row["size"], row["ours"]["cpu"], row["original"], flush=True)
                rows.append(row)
                record = {"machine": machine(before), "cap": setting.cap, "rows": rows}
                RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _measure_ours(setting: Setting, where: str) -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    earlier = record.setdefault("original_machine", record["machine"])
    record["machine"] = f"{where}. The original was not run again; it ran on: {earlier}"
    for row in record["rows"]:
        case, cluster = row["case"], f"{row['size']}-{row['profile']}"
        data = json.loads(_cluster(setting, cluster).read_text())
        limit = _limit(case, row["original"])
        runs = [
            _ours(setting, case, cluster, number, data, limit) for number in range(setting.repeats)
        ]
        row["ours"] = _best_of_ours(runs)
        print(case, cluster, row["ours"]["alone"], row["ours"]["cpu"], flush=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def table() -> Table:
    """What is recorded."""
    record = json.loads(RECORD.read_text("utf-8"))
    rows = sorted(record["rows"], key=_place)
    return Table(
        "Strategies beside the original's",
        COLUMNS,
        tuple(_cells(row) for row in rows),
        (*NOTES, f"The original was to be stopped after at most {record['cap']} CPU s."),
        record["machine"],
    )


def _place(row: Data) -> tuple[int, str, int]:
    return CASES.index(row["case"]), row["profile"], SIZES.index(row["size"])


def _cells(row: Data) -> tuple[Cell, ...]:
    ours, theirs = row["ours"], row["original"]
    cpu, status = theirs.get("cpu"), theirs["status"]
    alone = ours.get("alone", "")
    times = "" if cpu is None or not alone or status == "failed" else cpu / alone
    return (
        row["case"],
        row["size"],
        row["profile"],
        alone,
        {"ok": cpu, "stopped": f"> {cpu or 0:.0f}"}.get(status, status),
        times,
        ours["cpu"],
        ours["memory"],
        f"{ours['before']:,}",
        f"{row['optimum']:,}",
        *(_both(ours, theirs, name) for name in ("after", "spread", "migrations", "violations")),
    )


def _both(ours: Data, theirs: Data, name: str) -> str:
    digits = ",.2f" if name == "spread" else ",.0f"
    other = format(theirs[name], digits) if name in theirs else "?"
    return f"{ours[name]:{digits}} / {other}"


def _rows(setting: Setting, case: str, profile: str) -> Iterator[Data]:
    """The sizes of a case. After the first that the original does not finish, it is not run."""
    finishes = True
    for size in setting.sizes:
        row = _row(setting, case, f"{size}-{profile}", run_original=finishes)
        finishes = finishes and row["original"]["status"] == "ok"
        yield {"case": case, "size": size, "profile": profile, **row}


def _row(setting: Setting, case: str, cluster: str, *, run_original: bool) -> Data:
    file = _cluster(setting, cluster)
    data = json.loads(file.read_text())
    theirs: list[Data] = []
    ours: list[Data] = []
    for number in range(setting.repeats):
        if run_original and (not theirs or _is_short(theirs[0])):
            theirs.append(_original(setting, case, cluster, number))
        limit = _limit(case, theirs[0].get("check", {}) if theirs else {})
        ours.append(_ours(setting, case, cluster, number, data, limit))
    bounds = _json(setting, [str(file)])["bounds"]
    return {
        "optimum": bounds["lb_hosts"],
        "ours": _best_of_ours(ours),
        "original": _best(theirs),
    }


def _limit(case: str, original: Data) -> int:
    """The most migrations of our plan, given those of the original's; 0: no limit."""
    if case == AS_MANY_AS_THE_ORIGINAL:
        return int(original.get("migrations", 0))
    return AS_MANY.get(case, 0)


def _best_of_ours(runs: list[Data]) -> Data:
    quality = _quality(runs[0])
    return {
        "cpu": min(run["cpu"] for run in runs),
        "alone": min(run["alone"] for run in runs),
        "memory": max(run["memory"] for run in runs),
        **quality,
        "violations": runs[0]["violations"] + quality["violations"],
    }


def _is_short(run: Data) -> bool:
    return bool(run["status"] == "ok" and run["cpu_s"] < LONG)


def _best(runs: list[Data]) -> Data:
    if not runs:
        return {"status": "not run"}
    first = runs[0]
    cpu = min(run["cpu_s"] for run in runs)
    known = {"status": "ok", **_quality(first)} if first["status"] == "ok" else {}
    was_stopped = first["status"].startswith(("DNF", "stopped"))  # the latter between two audits
    return {"status": "stopped" if was_stopped else "failed", "cpu": cpu, **known}


def _quality(run: Data) -> dict[str, Any]:
    """What a plan does to the cluster, as the checker of the tools finds it."""
    check = run["check"]
    return {
        "before": check["hosts_used_before"],
        "after": check["hosts_used_after"],
        "spread_before": check["host_cpu_sd_before"],
        "spread": check["host_cpu_sd_after"],
        "migrations": check["migrations"],
        "violations": check["capacity_violations_final"] + check["capacity_violations_steps"],
    }


def _cluster(setting: Setting, name: str) -> Path:
    file = setting.work / f"cluster-{name}.json"
    if not file.exists():
        size, profile = name.split("-")
        wanted = ["--size", size, "--profile", profile, "--out", str(file)]
        subprocess.run([sys.executable, setting.tools / "gen.py", *wanted], check=True)
    return file


def _original(setting: Setting, case: str, cluster: str, number: int) -> Data:
    file = setting.work / _name(case, cluster, number, "original")
    if not file.exists():
        tool = str(setting.tools / "run_upstream.py")
        cap = ["--cap", str(setting.cap), "--rep", str(number)]
        source = ["--cluster", str(setting.work / f"cluster-{cluster}.json"), "--case", case]
        command = [str(setting.python), "-W", "ignore", tool, "one", *source, *cap]
        environment = {**os.environ, **ONE_THREAD, "PEER_WALLF": "1000"}
        asked = [*command, "--out", str(file)]
        subprocess.run(asked, env=environment, check=True, capture_output=True)
    found: Data = json.loads(file.read_text())
    return found


def _ours(setting: Setting, case: str, cluster: str, number: int, data: Data, limit: int) -> Data:
    file = setting.work / _name(case, cluster, number, "ours")
    if not file.exists():
        found = in_new_process(case, with_nodes(data), limit)
        solution = setting.work / "solution.json"
        solution.write_text(json.dumps({"actions": found.pop("actions")}))
        source = str(setting.work / f"cluster-{cluster}.json")
        found["check"] = _json(setting, [source, str(solution)])["check"]
        file.write_text(json.dumps(found))
    known: Data = json.loads(file.read_text())
    return known


def _json(setting: Setting, arguments: list[str]) -> Data:
    """What the checker prints."""
    command = [sys.executable, str(setting.tools / "check.py"), *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: Data = json.loads(printed)
    return found


def _name(case: str, cluster: str, number: int, side: str) -> str:
    return f"{cluster}-{case.replace('/', '_')}-{number}.{side}.json"
