from infrastructure.settings.load import Loaded, SettingsError, Value, load, options
from infrastructure.settings.options import Option
from infrastructure.settings.sections import (
    ApiSettings,
    ApplierSettings,
    CloudSettings,
    DatabaseSettings,
    DecisionEngineSettings,
    LogSettings,
    MetricsSettings,
    NatsSettings,
    PlannerSettings,
    Settings,
    SimulatorSettings,
    is_loopback,
)

__all__ = [
    "ApiSettings",
    "ApplierSettings",
    "CloudSettings",
    "DatabaseSettings",
    "DecisionEngineSettings",
    "Loaded",
    "LogSettings",
    "MetricsSettings",
    "NatsSettings",
    "Option",
    "PlannerSettings",
    "Settings",
    "SettingsError",
    "SimulatorSettings",
    "Value",
    "is_loopback",
    "load",
    "options",
]
