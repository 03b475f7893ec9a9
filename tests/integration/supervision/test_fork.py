"""What a fork of the supervisor has, and what it must not have of it."""

import json
import subprocess
import sys
import threading

import pytest

from infrastructure.supervision import CannotStart, ForkCommand
from infrastructure.supervision.ports import LISTEN_FD

LOOK = """
import json, logging, os, random, signal, socket
from infrastructure.supervision.fork import ForkCommand

def look():
    print(json.dumps({
        "environment": dict(os.environ),
        "descriptors": sorted(int(one) for one in os.listdir("/proc/self/fd")),
        "handlers": len(logging.getLogger().handlers),
        "term": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "hangup": signal.getsignal(signal.SIGHUP) is signal.SIG_IGN,
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "leads": os.getsid(0) == os.getpid(),
        "name": open("/proc/self/comm").read().strip(),
        "chance": random.random(),
    }))
    return 5

kept = socket.create_server(("127.0.0.1", 0))
other = open("/dev/zero")
logging.basicConfig()
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
command = ForkCommand("worker", look, {"ONLY": "this"}, listener=kept.fileno())
children = [command(), command()]
codes = [child.wait(20) for child in children]
said = [json.loads(child.stdout.read()) for child in children]
print(json.dumps({"kept": kept.fileno(), "codes": codes, "said": said}))
"""


def test_a_fork_has_nothing_of_its_parent_but_its_modules_and_its_socket() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(done.stdout)
    assert found["codes"] == [5, 5]
    kept = found["kept"]
    for child in found["said"]:
        assert child["environment"] == {"ONLY": "this", LISTEN_FD: str(kept)}
        open_ones = set(child["descriptors"]) - {0, 1, 2, kept}
        assert len(open_ones) == 1, "the listing itself"
        assert child["handlers"] == 0
        assert child["term"]
        assert child["hangup"]
        assert child["blocked"] == []
        assert child["leads"]
        assert child["name"] == "worker"
    first, second = found["said"]
    assert first["chance"] != second["chance"]


def test_a_process_with_several_threads_is_not_forked() -> None:
    """A lock that another thread holds at that moment would stay locked in the fork for ever."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="plug-in")
    thread.start()
    try:
        with pytest.raises(CannotStart, match=r"several threads: .*plug-in"):
            ForkCommand("worker", lambda: 0, {})()
    finally:
        end.set()
        thread.join()
