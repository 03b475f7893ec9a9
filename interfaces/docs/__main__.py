"""Writes every generated page."""

from pathlib import Path

from interfaces.docs import PAGES, render

for page in PAGES:
    Path(page).write_text(render(page))
