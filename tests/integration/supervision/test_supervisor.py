import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.supervision.conftest import Tree, alive, eventually

HEALTHY = 0.5
SLEEP = "import time\ntime.sleep(600)"
REPORT_READY = (
    "import os, pathlib, time\n"
    "pathlib.Path(os.environ['VIGIL_READY_FILE']).write_text('x')\n"
    "time.sleep(600)"
)
NOTE_TERM = (
    "import os, pathlib, signal, sys, time\n"
    "def end(*_):\n"
    "    time.sleep(0.2)\n"
    "    with open(pathlib.Path(os.environ['FOLDER'], 'ends'), 'a') as file:\n"
    "        file.write(NAME + '\\n')\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "pathlib.Path(os.environ['VIGIL_READY_FILE']).write_text('x')\n"
    "time.sleep(600)"
)


def test_a_killed_child_is_started_again(tree: Tree, kill: Callable[[int], None]) -> None:
    tree.start(
        {"name": "worker", "code": SLEEP}, {"name": "other", "code": SLEEP}, first_pause=0.05
    )
    tree.wait_up()
    first, other = tree.child_pid("worker"), tree.child_pid("other")
    kill(first)
    second = tree.child_pid("worker", other_than=first)
    assert alive(second)
    assert tree.child("worker")["restarts"] == 1
    assert tree.child_pid("other") == other
    assert "worker ended with SIGKILL; restarting it in 0.05 s" in tree.log()


def test_the_wait_doubles_with_each_failure_up_to_its_limit(tree: Tree) -> None:
    tree.start(
        {"name": "worker", "code": "raise SystemExit(3)"}, first_pause=0.02, longest_pause=0.1
    )
    eventually(lambda: tree.log().count("0.1 s") >= 2, "the limit is reached twice")
    waits = [line.split()[-2] for line in tree.log().splitlines() if "exit code 3" in line]
    assert waits[:5] == ["0.02", "0.04", "0.08", "0.1", "0.1"]


def test_after_a_healthy_time_the_wait_begins_anew(tree: Tree, kill: Callable[[int], None]) -> None:
    tree.start(
        {"name": "worker", "code": SLEEP}, first_pause=0.05, longest_pause=5, healthy_after=HEALTHY
    )
    pid = tree.child_pid("worker")
    for _ in range(2):
        kill(pid)
        pid = tree.child_pid("worker", other_than=pid)
    assert tree.log().count("in 0.1 s") == 1
    eventually(lambda: age(pid) > HEALTHY + 2, "the child was healthy long enough")
    kill(pid)
    eventually(lambda: tree.log().count("in 0.05 s") == 2, f"the first wait again\n{tree.log()}")


def age(pid: int) -> float:
    """Seconds since a process was started, as the kernel knows it."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def test_children_are_killed_when_the_supervisor_is_killed(
    tree: Tree, kill: Callable[[int], None]
) -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP
    tree.start({"name": "a", "code": SLEEP}, {"name": "b", "code": stubborn, "stage": 1})
    tree.wait_up()
    pids = [tree.child_pid("a"), tree.child_pid("b")]
    kill(tree.pid)
    eventually(lambda: not any(map(alive, pids)), "no child is left")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_children_end_in_reverse_order_of_their_stages(tree: Tree, signum: int) -> None:
    tree.start(
        *(
            {"name": name, "code": f"NAME = {name!r}\n{NOTE_TERM}", "stage": stage, "reports": True}
            for stage, name in enumerate(("database", "worker", "api"))
        )
    )
    tree.wait_up()
    assert tree.stop(signum) == 0
    assert tree.text("ends").split() == ["api", "worker", "database"]
    assert tree.child("api") == {"name": "api", "state": "stopped", "pid": None, "restarts": 0}


def test_a_child_that_does_not_end_is_killed_with_what_it_started(tree: Tree) -> None:
    code = (
        "import os, pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(os.environ['FOLDER'], 'inner').write_text(str(inner.pid))\n"
        "pathlib.Path(os.environ['VIGIL_READY_FILE']).write_text('x')\n"
        "time.sleep(600)"
    )
    tree.start({"name": "stubborn", "code": code, "grace": 0.3, "reports": True})
    tree.wait_up()
    pids = [tree.child_pid("stubborn"), int(tree.text("inner"))]
    assert tree.stop() == 0
    eventually(lambda: not any(map(alive, pids)), "child and grandchild are gone")
    assert "stubborn did not stop: killed" in tree.log()


def test_a_second_signal_kills_what_is_left_at_once(tree: Tree) -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + REPORT_READY
    tree.start({"name": "stubborn", "code": stubborn, "grace": 600, "reports": True})
    tree.wait_up()
    assert tree.process is not None
    tree.process.send_signal(signal.SIGINT)
    eventually(lambda: "SIGINT: stopping" in tree.log(), "the first signal arrived")
    assert tree.stop(signal.SIGINT) == 0


def test_a_stage_waits_until_the_one_before_is_ready(tree: Tree) -> None:
    tree.start(
        {"name": "first", "code": "import time\ntime.sleep(0.5)\n" + REPORT_READY, "reports": True},
        {"name": "second", "code": SLEEP, "stage": 1},
    )
    eventually(lambda: tree.child("first").get("state") == "starting", "the first one starts")
    assert tree.child("second")["state"] == "waiting"
    tree.wait_up()
    assert tree.child("second")["state"] == "ready"


def test_work_that_is_done_once_is_not_started_again(tree: Tree) -> None:
    tree.start(
        {"name": "upgrade", "code": "print('done')", "once": True, "vital": True},
        {"name": "worker", "code": SLEEP, "stage": 1},
    )
    tree.wait_up()
    assert tree.child("upgrade") == {
        "name": "upgrade",
        "state": "done",
        "pid": None,
        "restarts": 0,
    }


FAIL_LATE = "import time; time.sleep(1.0); raise SystemExit(7)"
"""A fork ends at once: the other child must be seen before."""


def test_a_vital_child_that_fails_ends_everything_with_a_reason(tree: Tree) -> None:
    tree.start(
        {"name": "worker", "code": SLEEP},
        {"name": "upgrade", "code": FAIL_LATE, "once": True, "vital": True, "stage": 1},
    )
    assert tree.process is not None
    worker = tree.child_pid("worker")
    _, complaint = tree.process.communicate(timeout=30)
    assert tree.process.returncode == 1
    assert b"NotReady: upgrade ended with exit code 7" in complaint
    assert not alive(worker)


def test_what_ends_everything_is_not_said_to_be_started_again(tree: Tree) -> None:
    """`db-upgrade ended with exit code 1; restarting it in 0.5 s`, said the last line but
    one, and the last one that it was over."""
    tree.start({"name": "gate", "code": "raise SystemExit(3)", "vital": True, "reports": True})
    assert tree.process is not None
    tree.process.communicate(timeout=30)
    assert "gate ended with exit code 3" in tree.log()
    assert "started again" not in tree.log()


def test_a_vital_child_that_is_not_ready_in_time_ends_everything(tree: Tree) -> None:
    child = {"name": "api", "code": SLEEP, "vital": True, "reports": True, "ready_within": 0.3}
    tree.start(child)
    assert tree.process is not None
    _, complaint = tree.process.communicate(timeout=30)
    assert b"NotReady: api was not ready after 0.3 s" in complaint


def test_an_unvital_child_that_fails_at_first_does_not_hold_up_the_others(tree: Tree) -> None:
    tree.start(
        {"name": "flaky", "code": "raise SystemExit(1)"},
        {"name": "worker", "code": SLEEP, "stage": 1},
    )
    tree.wait_up()
    assert tree.child("worker")["state"] == "ready"


def test_every_line_arrives_with_the_name_of_its_child(tree: Tree) -> None:
    code = "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('no end', end='')"
    tree.start({"name": "worker", "code": code, "once": True})
    tree.wait_up()
    assert tree.text("output").splitlines() == [
        "worker | one",
        "worker | two",
        "worker | no end",
    ]


def test_the_nats_server_comes_back_where_its_clients_look_for_it(
    tree: Tree, kill: Callable[[int], None]
) -> None:
    tree.start({"name": "nats"}, first_pause=0.05)
    tree.wait_up()
    first = tree.child_pid("nats")
    before = nats_address(tree, first)
    kill(first)
    second = tree.child_pid("nats", other_than=first)
    assert nats_address(tree, second) == before
    assert tree.stop() == 0
    assert not alive(second)


def nats_address(tree: Tree, pid: int) -> tuple[str, str]:
    """Where a server listens, and the token that it asks for."""
    announced = json.loads(tree.text(f"nats/nats-server_{pid}.ports"))
    config = json.loads(tree.text("nats/nats.conf"))
    return announced["nats"][0], config["authorization"]["token"]
