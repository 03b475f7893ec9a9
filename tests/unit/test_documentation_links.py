"""The documentation's links to its own pages and sections."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ +(.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_page_and_section_that_exist(page: Path) -> None:
    """docs/moving.md promised a list of roles, and led to a section without one."""
    for name, section in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: no {name}"
        if section:
            assert section in anchors(target), f"{page.name}: {name} has no section {section}"


def test_the_roles_of_the_service_user_are_listed_for_each_service_that_vigil_reads() -> None:
    """They were nowhere: an operator found them by reading refusals in the log."""
    text = (ROOT / "docs/authentication.md").read_text("utf-8")
    section = text.partition("## The service user\n")[2].partition("\n## ")[0]
    for service in ("Nova", "Placement", "Cinder", "Ironic"):
        assert f"| {service}" in section
    assert "\n## Horizon\n" in text
    assert "authentication.md#the-service-user" in (ROOT / "docs/moving.md").read_text("utf-8")
