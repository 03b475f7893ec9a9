import asyncio
import ipaddress
import json
import logging
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infrastructure.messaging import (
    EmbeddedNats,
    HintStreamSettings,
    NatsConnectionSettings,
)
from infrastructure.messaging.connection import connected
from infrastructure.messaging.embedded import server_binary
from infrastructure.process import tied_to
from tests.nats import run, until
from tests.ports import free_port

PASSWORD = "hunter2"  # noqa: S105 - of a test server
TOKEN = "tokentoken"  # noqa: S105 - opens nothing


def test_losing_and_finding_the_server_is_logged_without_the_token(
    nats_server: EmbeddedNats, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with connected(nats_server.settings, "someone") as connection:
            nats_server.stop()
            await until(lambda: "lost the connection" in caplog.text, "the loss is logged")
            await until(lambda: "trying again" in caplog.text, "the attempts are logged")
            nats_server.start()
            await until(lambda: "again at 127.0.0.1" in caplog.text, "the return is logged")
            await connection.client.flush()

    with caplog.at_level(logging.DEBUG):
        run(scenario())
    assert "someone" in caplog.text
    assert nats_server.token not in caplog.text


def test_a_wrong_token_is_said_and_tried_again_but_never_shown(
    nats_server: EmbeddedNats, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The token may be replaced while we wait: its file is read at each attempt."""
    secret = tmp_path / "token"
    secret.write_text("a-wrong-guess\n")
    settings = NatsConnectionSettings(servers=(nats_server.url,), token_file=secret)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:

            async def connect() -> None:
                async with connected(settings, "someone") as connection:
                    await connection.client.flush()

            task = group.create_task(connect())
            await until(lambda: "uthorization" in caplog.text, "the refusal is logged")
            assert not task.done()
            secret.write_text(nats_server.token)

    with caplog.at_level(logging.DEBUG):
        run(scenario())
    assert "a-wrong-guess" not in caplog.text
    assert nats_server.token not in caplog.text
    assert len([r for r in caplog.records if "uthorization" in r.getMessage()]) == 1


def test_an_attempt_to_connect_can_be_cancelled() -> None:
    async def scenario() -> None:
        nowhere = NatsConnectionSettings(servers=("nats://127.0.0.1:9",), connect_timeout=0.5)

        async def connect() -> None:
            async with connected(nowhere, "someone"):
                raise AssertionError("nothing listens there")

        task = asyncio.create_task(connect())
        await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=10)
        assert done == {task}
        assert task.cancelled()

    run(scenario())


def test_a_cancellation_is_heeded_also_in_the_moment_of_a_refusal() -> None:
    """The library lost it then and tried on for ever: a role that was told to stop did not end."""
    refusing = NatsConnectionSettings((f"nats://127.0.0.1:{free_port()}",))

    async def attempt(steps: int) -> None:
        connecting = asyncio.create_task(connected(refusing, "someone").__aenter__())
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        done, _ = await asyncio.wait({connecting}, timeout=5)
        assert done, f"cancelled after {steps} steps, it still tries"
        assert connecting.cancelled()

    async def scenario() -> None:
        for steps in range(40):
            await attempt(steps)

    run(scenario())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"servers": ()}, "No NATS server"),
        ({"servers": ("nats://secret@host:4222",)}, "do not belong in the server's URL"),
        ({"token": "t", "user": "u", "password": "p"}, "give one of"),
        ({"user": "u"}, "needs a password"),
        ({"password": "p"}, "a password a user"),
    ],
)
def test_contradictory_settings_are_refused(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        NatsConnectionSettings(**({"servers": ("nats://host:4222",)} | wrong))  # type: ignore[arg-type]


def test_impossible_names_are_refused() -> None:
    for wrong in ({"name": "a.b"}, {"name": ""}, {"prefix": "a..b"}, {"prefix": "*"}):
        with pytest.raises(ValueError, match=r"stream|subject"):
            HintStreamSettings(**wrong)  # type: ignore[arg-type]


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(NatsConnectionSettings(servers=("nats://h:1",), user="u", password=PASSWORD))
    shown += repr(NatsConnectionSettings(servers=("nats://h:1",), token=TOKEN))

    assert PASSWORD not in shown
    assert TOKEN not in shown


class Tls:
    """A server that speaks TLS and wants a client certificate and an account."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime(2020, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now.replace(year=2120))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate = directory / "cert.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key = directory / "key.pem"
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def config(self) -> dict[str, object]:
        """For the server."""
        return {
            "listen": "127.0.0.1:-1",
            "ports_file_dir": str(self.directory),
            "authorization": {"user": "vigil", "password": PASSWORD},
            "tls": {
                "cert_file": str(self.certificate),
                "key_file": str(self.key),
                "ca_file": str(self.certificate),
                "verify": True,
            },
        }


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[NatsConnectionSettings]:
    """How to reach a server that speaks TLS."""
    tls = Tls(tmp_path)
    config = tmp_path / "tls.conf"
    config.write_text(json.dumps(tls.config()))
    with subprocess.Popen(
        [server_binary(), "--config", config],
        stderr=subprocess.DEVNULL,
        preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - it only calls prctl
    ) as server:
        ports = tmp_path / f"nats-server_{server.pid}.ports"

        async def announced() -> bool:
            return ports.exists() and ports.read_text().endswith("}")

        run(until(announced, "the server has a port"))
        port = json.loads(ports.read_text())["nats"][0].rsplit(":", 1)[1]
        yield NatsConnectionSettings(
            servers=(f"tls://127.0.0.1:{port}",),
            user="vigil",
            password=PASSWORD,
            tls_ca=tls.certificate,
            tls_cert=tls.certificate,
            tls_key=tls.key,
        )
        server.terminate()


def test_a_server_behind_tls_is_reached_with_account_and_certificates(
    tls_server: NatsConnectionSettings,
) -> None:
    async def scenario() -> None:
        async with connected(tls_server, "someone") as connection:
            await connection.client.flush()
            assert connection.client.is_connected

    run(scenario())


def test_a_server_with_an_unknown_certificate_is_not_trusted(
    tls_server: NatsConnectionSettings, caplog: pytest.LogCaptureFixture
) -> None:
    trusting_nobody = replace(tls_server, tls_ca=None)

    async def scenario() -> None:
        async def connect() -> None:
            async with connected(trusting_nobody, "someone"):
                raise AssertionError("that server must not be trusted")

        task = asyncio.create_task(connect())
        await until(lambda: "certificate verify failed" in caplog.text, "the refusal is logged")
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=10)

    run(scenario())
    assert PASSWORD not in caplog.text
