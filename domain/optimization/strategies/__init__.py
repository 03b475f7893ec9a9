"""The strategies that ship with Vigil, one per file; pyproject.toml registers them."""
