"""The switch that stops all changes to the cloud: one per installation."""

from domain.actuation.actuation import ACTUATION_OFF, Actuation

__all__ = ["ACTUATION_OFF", "Actuation"]
