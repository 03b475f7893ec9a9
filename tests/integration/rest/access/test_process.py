"""The API as a process: what its configuration file opens and closes."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infrastructure.settings import SettingsError, load
from infrastructure.simulator import clouds_yaml
from infrastructure.supervision.probes import responds
from tests.integration.rest.access.certificates import Authority
from tests.integration.rest.access.keystone import Keystone
from tests.integration.rest.access.process import command, environment, refused, serving
from tests.ports import free_port
from tests.world.api import ApiWorld

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path / "vigil.conf"


class TestTls:
    def test_the_api_speaks_https_and_nothing_else(self, used_api: ApiWorld, conf: Path) -> None:
        authority = Authority(conf.parent)
        server = authority.issue("server")
        conf.write_text(
            f"[api]\nenable_ssl_api = true\n"
            f"[ssl]\ncert_file = {server.certificate}\nkey_file = {server.key}\n"
        )
        with serving(used_api.url, conf) as running:
            https = running.url.replace("http:", "https:")
            root = requests.get(https, verify=str(authority.path), timeout=30)
            assert root.json()["versions"][0]["links"][0]["href"] == f"{https}/v1/"
            with pytest.raises(requests.exceptions.SSLError):
                requests.get(https, timeout=30)
            with pytest.raises(requests.exceptions.ConnectionError):
                requests.get(running.url, timeout=30)
            assert responds(https)(), "the supervisor's own question"

    def test_clients_must_show_a_certificate_when_authorities_are_named(
        self, used_api: ApiWorld, conf: Path
    ) -> None:
        authority = Authority(conf.parent)
        server, client = authority.issue("server"), authority.issue("client")
        conf.write_text(
            f"[api]\nenable_ssl_api = true\n[ssl]\ncert_file = {server.certificate}\n"
            f"key_file = {server.key}\nca_file = {authority.path}\n"
        )
        with serving(used_api.url, conf) as running:
            https = running.url.replace("http:", "https:")
            with requests.Session() as http:
                http.trust_env = False  # REQUESTS_CA_BUNDLE would go before
                http.verify = str(authority.path)
                with pytest.raises(requests.exceptions.ConnectionError):
                    http.get(https, timeout=30)
                http.cert = (str(client.certificate), str(client.key))
                assert http.get(https, timeout=30).status_code == 200
            assert responds(https)(), "the supervisor's own question"

    def test_a_certificate_that_cannot_be_used_is_told_before_anything_is_served(
        self, conf: Path
    ) -> None:
        authority = Authority(conf.parent)
        one, other = authority.issue("one"), authority.issue("other")
        conf.write_text(
            f"[api]\nenable_ssl_api = true\n"
            f"[ssl]\ncert_file = {one.certificate}\nkey_file = {other.key}\n"
        )
        said = refused(("--config-file", str(conf)))
        assert "[ssl] cert_file" in said
        assert "mismatch" in said.lower()

    def test_half_of_a_pair_is_no_configuration(self, conf: Path) -> None:
        conf.write_text("[api]\nenable_ssl_api = true\n[ssl]\ncert_file = a.pem\n")
        with pytest.raises(SettingsError, match=r"\[ssl\] key_file: must be set when"):
            load(files=[conf])


class TestWithoutAuthentication:
    def test_it_is_said_in_red_to_people_and_as_a_warning_in_the_log(
        self, used_api: ApiWorld, conf: Path
    ) -> None:
        conf.write_text("")
        with serving(used_api.url, conf) as running:
            text = running.said.read_text()
            warning = f"every client that can connect to {running.url} is an administrator"
            assert f"NO AUTHENTICATION: {warning}" in text
            assert "WARNING" in next(one for one in text.splitlines() if "NO AUTH" in one)
            assert "\x1b" not in text, "a file is no terminal"
            assert requests.get(f"{running.url}/v1/goals", timeout=30).status_code == 200
            nobody = {"X-Roles": "member"}
            assert (
                requests.get(f"{running.url}/v1/goals", headers=nobody, timeout=30).status_code
                == 403
            )

    def test_the_red_line_on_a_terminal(self, used_api: ApiWorld, conf: Path) -> None:
        port = free_port()
        conf.write_text(f"[api]\nport = {port}\n[database]\nconnection = {used_api.url}\n")
        output = _on_a_terminal(command("api", "--config-file", str(conf)), "is an administrator")
        assert (
            f"\x1b[1;31mNO AUTHENTICATION: every client that can connect to http://127.0.0.1:{port}"
            in output
        )

    def test_the_supervisor_says_it_too(self, conf: Path) -> None:
        conf.write_text("")
        words = ("up", "--config-file", str(conf), "--data", str(conf.parent / "up"))
        told = _on_a_terminal(command(*words), "\x1b[0m")
        assert "\x1b[1;31mNO AUTHENTICATION: every client that can connect" in told
        assert "WARNING" in (conf.parent / "up" / "vigil.log").read_text()

    @pytest.mark.parametrize(
        ("lines", "why"),
        [
            ("[api]\nhost = 0.0.0.0\n", r"\[api\] host \(0.0.0.0\) is not a loopback"),
            ("[api]\nhost = api.example\n", r"\[api\] host \(api.example\) is not a loopback"),
            (
                "[oslo_middleware]\nenable_proxy_headers_parsing = true\n",
                "enable_proxy_headers_parsing is true",
            ),
        ],
    )
    def test_it_is_refused_where_others_can_reach_it(
        self, conf: Path, lines: str, why: str
    ) -> None:
        conf.write_text(f"[DEFAULT]\nenable_authentication = false\n{lines}")
        with pytest.raises(SettingsError, match=why) as complaint:
            load(files=[conf])
        assert "[DEFAULT] enable_authentication: must be true" in str(complaint.value)
        assert "unless [vigil] allow_unauthenticated is true" in str(complaint.value)
        conf.write_text(conf.read_text() + "[vigil]\nallow_unauthenticated = true\n")
        api = load(files=[conf]).settings.api
        assert api.authentication_warning is not None

    @pytest.mark.parametrize(
        ("lines", "asked"),
        [
            ("", False),
            ("[api]\nhost = 127.0.0.1\n", False),
            ("[api]\nhost = ::1\n", False),
            ("[api]\nhost = 0.0.0.0\n", True),
            ("[oslo_middleware]\nenable_proxy_headers_parsing = true\n", True),
            ("[keystone_authtoken]\nauth_type = password\n", True),
            ("[keystone_authtoken]\nauth_section = keystone\n", True),
        ],
    )
    def test_unless_told_so_tokens_are_asked_for_wherever_they_can_matter(
        self, conf: Path, lines: str, asked: bool
    ) -> None:
        """An original's file behind a proxy on this machine says credentials, and a loopback."""
        conf.write_text(lines)
        assert load(files=[conf]).settings.api.enable_authentication is asked


def test_a_start_that_would_open_the_door_to_others_is_refused(conf: Path) -> None:
    conf.write_text("[DEFAULT]\nenable_authentication = false\n[api]\nhost = 0.0.0.0\n")
    assert "unless [vigil] allow_unauthenticated is true" in refused(("--config-file", str(conf)))


def test_authentication_without_credentials_is_refused_by_the_options_name(conf: Path) -> None:
    conf.write_text("[DEFAULT]\nenable_authentication = true\n")
    assert "[keystone_authtoken] auth_type: must be set" in refused(("--config-file", str(conf)))


def test_the_supervisor_refuses_before_it_starts_anything(conf: Path) -> None:
    clouds = conf.parent / "clouds.yaml"
    clouds.write_text(clouds_yaml("http://127.0.0.1:9"))
    conf.write_text(
        "[DEFAULT]\nenable_authentication = true\n"
        f"[vigil]\ncloud = simulator\ncloud_config = {clouds}\ndata_dir = {conf.parent / 'up'}\n"
    )
    said = refused(("--config-file", str(conf), "--quiet"), "up")
    assert "[keystone_authtoken] auth_type: must be set" in said
    assert not (conf.parent / "up" / "vigil.log").exists()


def test_a_policy_file_that_is_not_there_is_told_before_anything_is_served(conf: Path) -> None:
    conf.write_text("[oslo_policy]\npolicy_file = mine.yaml\n")
    assert "[oslo_policy] policy_file: file not found: mine.yaml" in refused(
        ("--config-file", str(conf))
    )


def test_everything_at_once_as_operators_have_it(api: ApiWorld, keystone: Keystone) -> None:
    """Tokens, a policy file that changes, limits and a believed proxy, in one process."""
    small, big = b'"' + b"x" * 3000 + b'"', b'"' + b"x" * 5000 + b'"'
    file = keystone.file(
        "[oslo_middleware]",
        "enable_proxy_headers_parsing = true",
        "max_request_body_size = 4096",
        policy='"goal:get_all": "not role:admin"\n',
    )
    with serving(api.url, file) as running, requests.Session() as http:
        admin, member = ({"X-Auth-Token": keystone.token(who)} for who in ("admin", "demo"))

        def status(method: str, path: str, **sent: object) -> int:
            return http.request(method, f"{running.url}{path}", timeout=30, **sent).status_code  # type: ignore[arg-type]

        assert status("GET", "/v1/goals") == 401
        assert status("GET", "/v1/goals", headers=member) == 200
        assert status("GET", "/v1/goals", headers=admin) == 403
        assert status("GET", "/v1/strategies", headers=admin) == 200
        (file.parent / "policy.yaml").write_text('"strategy:get_all": "not role:admin"\n')
        assert status("GET", "/v1/goals", headers=admin) == 200
        assert status("GET", "/v1/strategies", headers=admin) == 403

        typed = {**admin, "Content-Type": "application/json"}
        assert status("POST", "/v1/audits", data=small, headers=typed) == 400
        assert status("POST", "/v1/audits", data=big, headers=typed) == 413
        assert status("POST", "/v1/audits", data=iter([big]), headers=typed) == 413

        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example"}
        root = http.get(running.url, headers=proxied, timeout=30).json()
        assert root["versions"][0]["links"][0]["href"] == "https://api.example/v1/"
        assert f"policy: {file.parent / 'policy.yaml'}" in running.said.read_text()


def test_a_proxy_that_nobody_spoke_of_is_not_believed(used_api: ApiWorld, conf: Path) -> None:
    conf.write_text("")
    with serving(used_api.url, conf) as running:
        for headers in (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-Ssl": "on", "Forwarded": "host=evil.example;proto=https"},
            {"X-Forwarded-Protocol": "ssl", "Script-Name": "/evil"},
        ):
            root = requests.get(running.url, headers=headers, timeout=30).json()
            assert root["versions"][0]["links"][0]["href"] == f"{running.url}/v1/", headers


def _on_a_terminal(words: list[str], until: str) -> str:
    """What a command shows on a terminal until a text appears; then it is ended."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(), start_new_session=True
    )
    os.close(theirs)
    try:
        return _shown(ours, until)
    finally:
        process.terminate()
        for _ in _drained(ours):
            pass
        process.wait(60)
        os.close(ours)


def _shown(terminal: int, until: str) -> str:
    text, deadline = "", time.monotonic() + 60
    while until not in text:
        assert time.monotonic() < deadline, text
        if select.select([terminal], [], [], 0.2)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


def _drained(terminal: int) -> Iterator[bytes]:
    """Reads until the other side has been closed, so that it is never kept from ending."""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how a pseudo terminal says that its last user has left
            return
        if not chunk:
            return
        yield chunk


class TestEventStreams:
    def test_how_many_and_how_long_is_the_operators_choice(
        self, used_api: ApiWorld, conf: Path
    ) -> None:
        conf.write_text(
            "[api]\nworkers = 1\n[vigil]\nevent_streams = 1\nevent_stream_seconds = 2\n"
            "event_stream_heartbeat = 1\n"
        )
        with serving(used_api.url, conf) as running:
            url = f"{running.url}/v1/events/stream"
            with requests.get(url, stream=True, timeout=30) as held:
                refusal = requests.get(url, stream=True, timeout=30)
                assert refusal.status_code == 503
                assert "already serves 1 event streams" in refusal.text
                assert b": nothing new" in held.content, "it ended by itself, and was silent before"
            with requests.get(url, stream=True, timeout=30) as another:
                assert another.status_code == 200
