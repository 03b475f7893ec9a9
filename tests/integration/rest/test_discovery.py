"""The root and index documents, and how paths, methods and media types are understood (1)."""

import re
from dataclasses import replace

import falcon.testing
import pytest

from interfaces.rest.app import create_app
from interfaces.rest.services import RestSettings
from tests.world.api import ApiWorld, fault, refused

VERSION_HEADERS = (
    "openstack-api-version",
    "openstack-api-minimum-version",
    "openstack-api-maximum-version",
    "vary",
)


def test_the_root_names_the_one_version_without_asking_who_is_there(used_api: ApiWorld) -> None:
    result = used_api.ask("GET", "/", headers={"X-Roles": "nobody"}, version=None)
    assert result.status_code == 200
    assert set(result.json) == {"name", "description", "versions", "default_version"}
    assert result.json["versions"] == [result.json["default_version"]]
    version = result.json["default_version"]
    assert {key: version[key] for key in ("id", "status", "min_version", "max_version")} == {
        "id": "v1",
        "status": "CURRENT",
        "min_version": "1.0",
        "max_version": "1.7",
    }
    assert [link["rel"] for link in version["links"]] == ["self"]
    assert version["links"][0]["href"].endswith("/v1/")
    assert not set(VERSION_HEADERS) & set(result.headers)


@pytest.mark.parametrize(
    ("version", "extra"),
    [
        ("1.0", set()),
        ("1.2", set()),
        ("1.3", {"data_model"}),
        ("1.4", {"data_model", "webhooks"}),
        ("1.7", {"data_model", "webhooks"}),
    ],
)
def test_the_index_lists_what_the_version_offers(
    used_api: ApiWorld, version: str, extra: set[str]
) -> None:
    index = used_api.get("/v1", version=version)
    assert set(index) == {
        *("id", "media_types", "links", "audit_templates", "audits", "actions"),
        *("action_plans", "scoring_engines", "services"),
        *extra,
    }
    assert index["id"] == "v1"
    assert index["media_types"] == [
        {"base": "application/json", "type": "application/vnd.openstack.watcher.v1+json"}
    ]
    assert [link["rel"] for link in index["links"]] == ["self", "describedby"]
    assert index["links"][1]["type"] == "text/html"
    assert [link["rel"] for link in index["audits"]] == ["self", "bookmark"]
    assert index["audits"][0]["href"].endswith("/v1/audits/")
    assert index["audits"][1]["href"].endswith("/audits/")
    assert "/v1/" not in index["audits"][1]["href"]


@pytest.mark.parametrize(
    "path", ["/v1/goals", "/v1/goals/", "/v1//goals", "/goals", "/goals/", "//v1/goals//"]
)
def test_every_spelling_of_a_list_is_the_list(used_api: ApiWorld, path: str) -> None:
    assert used_api.get(path) == used_api.get("/v1/goals")
    assert len(used_api.get(f"{path}?limit=2")["goals"]) == 2


@pytest.mark.parametrize(
    "path",
    ["/nosuch", "/v2", "/v1/nosuch", "/v1/goals/x/y", "/v1/Goals", "/v1/goals/dummy/detail"],
)
def test_what_is_no_route_is_not_found(used_api: ApiWorld, path: str) -> None:
    refused(used_api.ask("GET", path), 404)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/goals", {"GET"}),
        ("DELETE", "/v1/goals/dummy", {"GET"}),
        ("POST", "/v1/action_plans", {"GET"}),
        ("POST", "/v1/actions", {"GET"}),
        ("DELETE", "/v1/actions/2f6c91d8-07be-4a53-b1e9-c84f3d5a6072", {"GET", "PATCH"}),
        ("PUT", "/v1/audits/x", {"GET", "PATCH", "DELETE"}),
        ("HEAD", "/v1/goals", {"GET"}),
        ("HEAD", "/v1/audits/x", {"GET", "PATCH", "DELETE"}),
        ("GET", "/v1/webhooks/x", {"POST"}),
        ("POST", "/v1/data_model", {"GET"}),
        ("GET", "/v1/data_model/x", set()),
        ("PURGE", "/v1/audits/x", {"GET", "PATCH", "DELETE"}),
        ("PURGE", "/v1/webhooks/x", {"POST"}),
        ("PURGE", "/v1/data_model/x", set()),
        ("PURGE", "/", {"GET"}),
    ],
)
def test_a_known_resource_tells_which_methods_it_knows(
    used_api: ApiWorld, method: str, path: str, allowed: set[str]
) -> None:
    """A method that HTTP itself does not know was a 400 that told nothing."""
    result = used_api.ask(method, path)
    assert result.status_code == 405
    assert {one.strip() for one in result.headers["allow"].split(",")} - {"OPTIONS"} == allowed
    if method != "HEAD":
        fault(result)


def test_options_answers_with_nothing(used_api: ApiWorld) -> None:
    result = used_api.ask("OPTIONS", "/v1/audits", headers={"X-Roles": "nobody"})
    assert (result.status_code, result.content) == (200, b"")


class TestMediaTypes:
    @pytest.mark.parametrize(
        "kind",
        ["application/json", "application/json; charset=utf-8", "text/javascript", None],
    )
    def test_json_is_read(self, api: ApiWorld, kind: str | None) -> None:
        headers = {} if kind is None else {"Content-Type": kind}
        body = b'{"audit_type": "EVENT", "goal": "dummy"}'
        assert api.ask("POST", "/v1/audits", raw=body, headers=headers).status_code == 201

    @pytest.mark.parametrize(
        "kind",
        [
            "application/json-patch+json",
            "application/vnd.openstack.watcher.v1+json",
            "text/plain",
            "application/octet-stream",
        ],
    )
    def test_anything_else_is_unusable(self, used_api: ApiWorld, kind: str) -> None:
        result = used_api.ask("POST", "/v1/audits", raw=b"{}", headers={"Content-Type": kind})
        refused(result, 415)

    def test_a_form_is_no_json(self, used_api: ApiWorld) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused(used_api.ask("POST", "/v1/audits", raw=b"goal=dummy", headers=form), 400)

    def test_a_request_without_a_body_may_say_anything(self, api: ApiWorld) -> None:
        template = api.template()["uuid"]
        headers = {"Content-Type": "application/octet-stream", "Accept": "*/*"}
        path = f"/v1/audit_templates/{template}"
        result = api.ask("DELETE", path, headers=headers)
        assert (result.status_code, result.content) == (204, b"")
        assert "content-type" not in result.headers

    @pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "application/json"])
    def test_the_answer_is_json_whatever_is_accepted(self, used_api: ApiWorld, accept: str) -> None:
        result = used_api.ask("GET", "/v1/goals", headers={"Accept": accept})
        assert result.headers["content-type"] == "application/json"
        assert result.json["goals"]

    def test_what_is_not_ascii_is_escaped(self, api: ApiWorld) -> None:
        name = 'übung 🚀 "x"'
        uuid = api.audit(name=name)["uuid"]
        result = api.ask("GET", f"/v1/audits/{uuid}")
        assert result.content.isascii()
        assert result.json["name"] == name
        text = refused(api.ask("GET", "/v1/audits/%C3%BCnbekannt"), 404)
        assert "ünbekannt" in text

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'"\\ud800"', b"\xef\xbb\xbf{}", b"[]"],
    )
    def test_what_is_no_json_is_refused(self, used_api: ApiWorld, body: bytes) -> None:
        refused(used_api.ask("POST", "/v1/audits", raw=body), 400)

    @pytest.mark.parametrize("path", ["/v1/audits", "/v1/webhooks/any"])
    def test_who_sends_no_body_is_told_so(self, used_api: ApiWorld, path: str) -> None:
        """`curl -X POST …/webhooks/…` was told that its input data was truncated."""
        assert "no body" in refused(used_api.ask("POST", path, raw=b" "), 400)

    def test_a_name_that_is_taken_is_told_in_english(self, api: ApiWorld) -> None:
        api.audit(name="one")
        again = {"audit_type": "EVENT", "goal": "dummy", "name": "one"}
        text = refused(api.ask("POST", "/v1/audits", again), 409)
        assert text == "An audit with the name 'one' already exists."

    @pytest.mark.parametrize(
        "body",
        [
            b'{"audit_type": "EVENT", "goal": "dummy", "name": "a\\u0000b"}',
            b'{"audit_type": "EVENT", "goal": "dummy", "parameters": {"a\\u0000": 1}}',
            b'{"audit_type": "EVENT", "goal": "dummy", "parameters": {"a": [' + b"9" * 20 + b"]}}",
            b'{"audit_type": "EVENT", "goal": "dummy", "parameters": {"a": '
            + b"[" * 200
            + b"]" * 200
            + b"}}",
        ],
    )
    def test_what_no_database_can_keep_is_refused(self, used_api: ApiWorld, body: bytes) -> None:
        refused(used_api.ask("POST", "/v1/audits", raw=body), 400)

    def test_a_body_that_is_too_long_is_refused(self, used_api: ApiWorld) -> None:
        body = b'{"name": "' + b"x" * used_api.rest.settings.max_body + b'"}'
        refused(used_api.ask("POST", "/v1/audits", raw=body), 413)


def test_every_answer_names_its_request(used_api: ApiWorld) -> None:
    ids = {
        used_api.ask("GET", path).headers["x-openstack-request-id"]
        for path in ("/v1/goals", "/v1/nosuch", "/v1/goals/nosuch", "/v1/goals?x=1")
    }
    assert len(ids) == 4
    assert all(re.fullmatch(r"req-[0-9a-f-]{36}", one) for one in ids)


class TestVersions:
    @pytest.mark.parametrize(
        ("asked", "effective"),
        [
            (None, "1.0"),
            ("infra-optim", "1.0"),
            ("infra-optim ", "1.0"),
            ("infra-optim 1", "1.0"),
            ("infra-optim 1.0", "1.0"),
            ("infra-optim 1.5", "1.5"),
            ("INFRA-OPTIM 1.7", "1.7"),
            ("infra-optim  1.5 ", "1.5"),
            ("compute\t2.1,\tinfra-optim\t1.5", "1.5"),
            ("infra-optim 1.07", "1.7"),
            ("infra-optim latest", "1.7"),
            ("infra-optim LATEST", "1.7"),
            ("infra-optim abc", "1.0"),
            ("infra-optim 1.latest", "1.0"),
            ("1.5", "1.0"),
            ("compute 2.1", "1.0"),
            ("resource-optimization 1.5", "1.0"),
            ("compute 2.1, infra-optim 1.3", "1.3"),
            ("infra-optim 1.3, infra-optim 1.4, compute 2.1", "1.4"),
        ],
    )
    def test_a_header_asks_for_a_version(
        self, used_api: ApiWorld, asked: str | None, effective: str
    ) -> None:
        headers = {} if asked is None else {"OpenStack-API-Version": asked}
        result = used_api.ask("GET", "/v1/goals", version=None, headers=headers)
        assert result.status_code == 200
        assert [result.headers[name] for name in VERSION_HEADERS] == [
            f"infra-optim {effective}",
            "1.0",
            "1.7",
            "OpenStack-API-Version",
        ]

    @pytest.mark.parametrize(
        "asked", ["1.8", "1.99", "2.0", "0.9", "-1.2", "10", "1.2.3", "1.-1", "0"]
    )
    @pytest.mark.parametrize("path", ["/v1/goals", "/goals/nosuch", "/v1/nosuch", "/v1"])
    def test_what_is_not_supported_is_not_acceptable(
        self, used_api: ApiWorld, asked: str, path: str
    ) -> None:
        result = used_api.ask("GET", path, version=asked)
        assert "[1.0, 1.7]" in refused(result, 406)
        assert result.headers["openstack-api-minimum-version"] == "1.0"
        assert result.headers["openstack-api-maximum-version"] == "1.7"
        assert "openstack-api-version" not in result.headers

    def test_the_header_that_older_services_used_is_ignored(self, used_api: ApiWorld) -> None:
        headers = {"X-OpenStack-infra-optim-API-Version": "1.7"}
        result = used_api.ask("GET", "/v1/goals", version=None, headers=headers)
        assert result.headers["openstack-api-version"] == "infra-optim 1.0"

    def test_errors_of_handlers_carry_the_version_too(self, used_api: ApiWorld) -> None:
        result = used_api.ask("GET", "/v1/goals/nosuch", version="1.3")
        assert result.headers["openstack-api-version"] == "infra-optim 1.3"


class TestLinks:
    def test_links_are_built_from_the_host_that_was_asked(self, used_api: ApiWorld) -> None:
        headers = {"Host": "controller.example:9322"}
        goal = used_api.get("/v1/goals/dummy", headers=headers)
        base = "http://controller.example:9322"
        assert goal["links"] == [
            {"href": f"{base}/v1/goals/{goal['uuid']}", "rel": "self"},
            {"href": f"{base}/goals/{goal['uuid']}", "rel": "bookmark"},
        ]

    def test_a_mount_prefix_is_in_documents_and_locations_but_not_in_links(
        self, api: ApiWorld
    ) -> None:
        result = api.http.simulate_request(
            "POST",
            "/v1/audits",
            root_path="/infra-optim",
            json={"audit_type": "EVENT", "goal": "dummy"},
        )
        uuid = result.json["uuid"]
        base = "http://falconframework.org"
        assert result.headers["location"] == f"{base}/infra-optim/v1/audits/{uuid}"
        assert result.json["links"][0]["href"] == f"{base}/v1/audits/{uuid}"
        index = api.http.simulate_get("/v1", root_path="/infra-optim").json
        assert index["audits"][0]["href"] == f"{base}/infra-optim/v1/audits/"
        page = api.http.simulate_get(
            "/v1/goals", root_path="/infra-optim", query_string="limit=1"
        ).json
        assert page["next"].startswith(f"{base}/v1/goals?")

    def test_a_proxy_is_only_believed_when_told_so(self, used_api: ApiWorld) -> None:
        headers = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
        }
        goal = used_api.get("/v1/goals/dummy", headers=headers)
        assert "evil.example" not in goal["links"][0]["href"]
        assert "/evil" not in used_api.get("/v1", headers=headers)["audits"][0]["href"]

    @pytest.mark.parametrize(
        ("headers", "base", "prefix"),
        [
            ({"X-Forwarded-Host": "pub.example", "X-Forwarded-Proto": "https"}, "pub.example", ""),
            (
                {"Forwarded": "host=pub.example;proto=https", "X-Forwarded-Prefix": "/"},
                "pub.example",
                "",
            ),
            (
                {
                    "X-Forwarded-Host": "pub.example:8443, inner.example",
                    "X-Forwarded-Proto": "https, http",
                    "X-Forwarded-Prefix": "/infra-optim/",
                },
                "pub.example:8443",
                "/infra-optim",
            ),
            (
                {
                    "Forwarded": "host=pub.example;proto=https, host=inner.example;proto=http",
                    "X-Forwarded-Prefix": "a/b, /c",
                },
                "pub.example",
                "/a/b",
            ),
        ],
    )
    def test_behind_proxies_links_lead_to_the_outermost_one(
        self, api: ApiWorld, headers: dict[str, str], base: str, prefix: str
    ) -> None:
        """Behind two proxies links had both hosts in them, and none knew what a proxy cut off."""
        proxied = replace(api.rest, settings=RestSettings(behind_proxy=True))
        api.http = falcon.testing.TestClient(create_app(proxied))
        base = f"https://{base}"
        made = api.ask(
            "POST", "/v1/audits", {"audit_type": "EVENT", "goal": "dummy"}, headers=headers
        )
        uuid = made.json["uuid"]
        assert made.headers["location"] == f"{base}{prefix}/v1/audits/{uuid}"
        assert made.json["links"][0]["href"] == f"{base}/v1/audits/{uuid}"
        index = api.get("/v1", headers=headers)
        assert index["audits"][0]["href"] == f"{base}{prefix}/v1/audits/"
        root = api.get("/", headers=headers)
        assert root["versions"][0]["links"][0]["href"] == f"{base}{prefix}/v1/"
        page = api.get("/v1/goals?limit=1", headers=headers)
        assert page["next"].startswith(f"{base}/v1/goals?")
