from tests.world.engine import world

__all__ = ["world"]
