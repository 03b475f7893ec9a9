"""A real memcached for tests, if the machine has one."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.ports import free_port
from tests.postgres import _die_with_parent

_PROGRAM = shutil.which("memcached")


@contextmanager
def memcached() -> Iterator[str]:
    """``host:port`` of a server; skips the test on a machine without the program."""
    if _PROGRAM is None:
        pytest.skip("memcached is not installed here")
    port = free_port()
    process = subprocess.Popen(
        [_PROGRAM, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-u", "nobody"],
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - only a system call
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def stored_items(address: str) -> int:
    """How many items a server holds."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"stats\r\nquit\r\n")
        text = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    return int(text.partition("STAT curr_items ")[2].split()[0])
