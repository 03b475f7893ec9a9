"""The documentation as a web site: each page is in its navigation, no link leads nowhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:script|img|link)\b[^>]*?\b(?:src|href)=\"?(https?:)?//", re.IGNORECASE)


def build(site: Path, source: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", "mkdocs.yml", "-d", str(site)],
        cwd=source,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    done = build(tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md"))) - 1
    elsewhere = [one.name for one in pages if LOADED.search(one.read_text("utf-8"))]
    assert not elsewhere


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("forgotten.md", "# Forgotten\n", "not included in the"),
        ("index.md", "# Vigil\n\n[gone](gone.md)\n", "gone.md"),
    ],
)
def test_a_page_outside_the_navigation_and_a_dead_link_are_refused(
    tmp_path: Path, name: str, text: str, fault: str
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Vigil\n")
    (tmp_path / "docs" / name).write_text(text)
    settings = (ROOT / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(
        settings.partition("nav:\n  - index.md\n")[0] + "nav:\n  - index.md\n"
    )
    done = build(tmp_path / "site", tmp_path)
    assert done.returncode != 0
    assert fault in done.stderr
