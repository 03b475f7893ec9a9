"""Pages that are generated from the code. Committed, and compared with the code by a test."""

from interfaces.docs.pages import PAGES, render

__all__ = ["PAGES", "render"]
