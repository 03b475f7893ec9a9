import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from infrastructure.supervision import PortTaken, inherited_socket, listening_socket, reserve_port
from infrastructure.supervision.ports import LISTEN_FD

linux = pytest.mark.skipif(sys.platform != "linux", reason="a reservation is kept on Linux only")


def test_of_two_that_want_a_port_at_the_same_time_one_gets_it() -> None:
    with closing(listening_socket("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken):
            listening_socket("127.0.0.1", port)
    with closing(listening_socket("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port


def test_a_lingering_connection_of_an_earlier_run_is_no_obstacle() -> None:
    with closing(listening_socket("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # who closes first lingers
        assert client.recv(1) == b""
        client.close()
    with socket.socket() as naive, pytest.raises(OSError, match="in use"):
        naive.bind(("127.0.0.1", port))  # the control: something does linger
    listening_socket("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(PortTaken):
        listening_socket("192.0.2.1", 0)
    with pytest.raises(PortTaken):
        listening_socket("no-such-host.invalid", 0)


@linux
def test_a_reserved_port_is_for_the_program_that_is_told_about_it() -> None:
    with closing(reserve_port()) as reservation:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", reservation.port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", reservation.port))
        for _ in range(2):  # it may come and go
            listening_socket("127.0.0.1", reservation.port).close()


CHILD = """\
from infrastructure.supervision import inherited_socket
listener = inherited_socket()
accepted, _ = listener.accept()
accepted.sendall(b"hello")
accepted.close()
"""


def test_a_connection_made_before_the_child_runs_is_answered_by_it() -> None:
    with closing(listening_socket("127.0.0.1", 0)) as listener:
        early = socket.create_connection(listener.getsockname(), timeout=30)
        for _ in range(2):  # the second child is given what the first one was
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD],
                env={**os.environ, LISTEN_FD: str(listener.fileno())},
                pass_fds=(listener.fileno(),),
            )
            assert early.recv(5) == b"hello"
            assert child.wait(30) == 0
            early.close()
            early = socket.create_connection(listener.getsockname(), timeout=30)
        early.close()


@pytest.mark.parametrize("text", ["", "none", "987654"])
def test_a_descriptor_that_is_none_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LISTEN_FD, text)
    with pytest.raises(ValueError, match=LISTEN_FD):
        inherited_socket()
    assert LISTEN_FD not in os.environ


def test_a_socket_that_does_not_listen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        monkeypatch.setenv(LISTEN_FD, str(os.dup(idle.fileno())))
        with pytest.raises(ValueError, match="does not listen"):
            inherited_socket()


def test_who_has_no_supervisor_inherits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LISTEN_FD, raising=False)
    assert inherited_socket() is None
