from tests.integration.projections.conftest import world

__all__ = ["world"]
