"""Documentation pages that are generated from the code; a test compares the committed ones."""

from interfaces.docs.pages import PAGES, render

__all__ = ["PAGES", "render"]
