import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client

from infrastructure.messaging import EmbeddedNats, EmbeddedNatsError
from infrastructure.messaging.embedded import server_binary
from tests.nats import jetstream, run, until


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def _await(condition: object, what: str) -> None:
    async def wait() -> None:
        await until(condition, what)  # type: ignore[arg-type]

    asyncio.run(wait())


def _kill(server: EmbeddedNats) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _await(lambda: not server.running, "the killed server is gone")


def test_the_binary_comes_from_the_installed_package_not_from_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decoy = tmp_path / "nats-server"
    decoy.write_text("#!/bin/sh\nexit 9\n")
    decoy.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert server_binary() != decoy
    assert subprocess.check_output([server_binary(), "--version"]).startswith(b"nats-server")


def test_nobody_gets_in_without_the_token(nats_server: EmbeddedNats) -> None:
    async def knock(token: str | None) -> None:
        async def ignore(_: Exception) -> None:
            """The error is raised as well."""

        client = Client()
        try:
            await client.connect(
                nats_server.url, token=token, allow_reconnect=False, error_cb=ignore
            )
        finally:
            await client.close()

    run(knock(nats_server.token))
    for wrong in (None, "guess"):
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            run(knock(wrong))


def test_it_listens_on_loopback_only(nats_server: EmbeddedNats) -> None:
    port = int(nats_server.url.rsplit(":", 1)[1])
    listening = [
        fields[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and fields[1].endswith(f":{port:04X}")
    ]

    assert listening == [f"0100007F:{port:04X}"]


def test_the_token_is_in_a_private_file_only(nats_server: EmbeddedNats, tmp_path: Path) -> None:
    directory = tmp_path / "nats"
    config = directory / "nats.conf"

    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert nats_server.token not in Path(f"/proc/{nats_server.pid}/cmdline").read_text()
    assert nats_server.token not in repr(nats_server.settings)
    assert nats_server.token not in nats_server.url
    holders = [
        path.name
        for path in directory.rglob("*")
        if path.is_file() and nats_server.token.encode() in path.read_bytes()
    ]
    assert holders == ["nats.conf"]


def test_after_kill_9_it_comes_back_on_its_port_with_its_messages(
    nats_server: EmbeddedNats,
) -> None:
    """Clients keep their connection settings, so the address and the token must not change."""

    async def scenario() -> None:
        async with jetstream(nats_server.settings) as js:
            await js.add_stream(name="S", subjects=["s"])
            await js.publish("s", b"kept")
            before = nats_server.settings
            pid = nats_server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda: not nats_server.running, "the killed server is gone")

            nats_server.start()

            assert nats_server.settings == before
            assert nats_server.pid not in {None, pid}

            async def answers() -> bool:
                try:
                    return (await js.get_msg("S", seq=1)).data == b"kept"
                except nats.errors.Error:
                    return False

            await until(answers, "the same client reaches the restarted server")

    run(scenario())


def test_stale_files_of_a_killed_run_do_not_hinder_a_new_one(
    nats_server: EmbeddedNats, tmp_path: Path
) -> None:
    _kill(nats_server)
    assert list((tmp_path / "nats").glob("*.ports"))

    successor = EmbeddedNats(tmp_path / "nats")
    successor.start()

    assert successor.running
    successor.stop()
    assert not successor.running


def test_a_store_in_use_is_refused_with_a_clear_message(
    nats_server: EmbeddedNats, tmp_path: Path
) -> None:
    second = EmbeddedNats(tmp_path / "nats")

    with pytest.raises(EmbeddedNatsError, match=r"Another NATS server is using .*nats"):
        second.start()

    assert nats_server.running
    assert not second.running


def test_a_port_in_use_is_named_as_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedNats(tmp_path / "nats", port=taken.getsockname()[1])

        with pytest.raises(EmbeddedNatsError, match="address already in use"):
            server.start()

        assert not server.running


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A server that outlives a killed parent would hold the store and answer to nobody."""
    program = (
        "import sys, time, pathlib\n"
        "from infrastructure.messaging import EmbeddedNats\n"
        "server = EmbeddedNats(pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "nats")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)

        parent.kill()

    _await(lambda: not _alive(pid), "the server died with its parent")
    successor = EmbeddedNats(tmp_path / "nats")
    successor.start()
    successor.stop()


def test_start_and_stop_may_be_repeated(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path / "nats")
    with pytest.raises(EmbeddedNatsError, match="not started"):
        _ = server.url
    server.stop()
    server.start()
    pid, url = server.pid, server.url

    server.start()

    assert server.pid == pid
    server.stop()
    server.stop()
    assert server.pid is None
    server.start()
    assert server.url == url
    server.stop()


def test_a_stop_is_fast_and_leaves_the_store_behind(
    nats_server: EmbeddedNats, tmp_path: Path
) -> None:
    pid = nats_server.pid
    assert pid is not None
    began = time.monotonic()

    nats_server.stop()

    assert time.monotonic() - began < 10.0  # else it had to be killed
    assert not Path(f"/proc/{pid}").exists()
    assert nats_server.store_dir.is_dir()


def test_only_the_main_thread_may_start_it(tmp_path: Path) -> None:
    """The kernel would end the server together with the thread that started it."""
    server = EmbeddedNats(tmp_path / "nats")
    errors: list[EmbeddedNatsError] = []

    def attempt() -> None:
        try:
            server.start()
        except EmbeddedNatsError as error:
            errors.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()

    assert "main thread" in str(errors[0])
    assert not server.running


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "jetstream").write_text("a file where a directory should be")
    server = EmbeddedNats(tmp_path)

    with pytest.raises(EmbeddedNatsError, match=r"ended at once: .*(?i:storage|directory)"):
        server.start()
