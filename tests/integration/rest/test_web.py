"""The files of the web view, as the API serves them."""

import re
import shutil
import subprocess
from pathlib import Path

import falcon
import pytest

from interfaces import web
from interfaces.rest.app import create_app
from tests.world.api import ApiWorld

ROOT = Path(web.__file__).parent
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules").exists(),
    reason="needs Node.js and the packages of interfaces/web (make web)",
)


def test_a_page_runs_nothing_but_its_own_files(used_api: ApiWorld) -> None:
    for name in web.FILES:
        headers = used_api.ask("GET", f"/ui/{name}").headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_short_address_leads_to_the_start_page(used_api: ApiWorld) -> None:
    for path in ("/ui", "/ui/"):
        answer = used_api.ask("GET", path)
        assert (answer.status_code, answer.headers["location"]) == (302, "/ui/index.html")


def test_behind_a_mount_prefix_it_leads_there(used_api: ApiWorld) -> None:
    http = falcon.testing.TestClient(create_app(used_api.rest))
    answer = http.simulate_get("/ui", root_path="/infra-optim")
    assert answer.headers["location"] == "/infra-optim/ui/index.html"


def test_the_page_names_only_files_that_are_served() -> None:
    page = web.content("index.html").decode()
    named = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    assert named == set(web.FILES) - {"index.html"}
    assert "<style" not in page
    assert "<script>" not in page


@needs_node
@pytest.mark.timeout(240)
def test_the_committed_files_are_what_the_sources_make(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=ROOT, check=True)
    assert {one.name for one in tmp_path.iterdir()} == set(web.FILES)
    for name in web.FILES:
        assert (tmp_path / name).read_bytes() == web.content(name), f"{name}: run `make web`"


@needs_node
@pytest.mark.timeout(240)
@pytest.mark.parametrize("script", ["test", "check"])
def test_the_sources_pass_their_own_checks(script: str) -> None:
    done = subprocess.run(
        ["npm", "run", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_lock_file_names_no_index() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "://" not in text
    assert text.count('"integrity"') > 5
