"""Settings: the options of Vigil, and the sources of their values."""

from infrastructure.settings.api import AccessSettings, ApiSettings
from infrastructure.settings.libraries import LibraryOptions, library_options
from infrastructure.settings.load import LoadedSettings, load, options
from infrastructure.settings.metrics import GrafanaSettings, MetricsSettings
from infrastructure.settings.notifications import NotificationSettings
from infrastructure.settings.notifier import NotifierSettings
from infrastructure.settings.options import Option
from infrastructure.settings.sections import (
    ApplierSettings,
    CloudSettings,
    CollectorSettings,
    DatabaseSettings,
    DecisionEngineSettings,
    LogSettings,
    NatsSettings,
    Settings,
    SimulatorSettings,
)
from infrastructure.settings.sources import SettingsError, Sources, Value

__all__ = [
    "AccessSettings",
    "ApiSettings",
    "ApplierSettings",
    "CloudSettings",
    "CollectorSettings",
    "DatabaseSettings",
    "DecisionEngineSettings",
    "GrafanaSettings",
    "LibraryOptions",
    "LoadedSettings",
    "LogSettings",
    "MetricsSettings",
    "NatsSettings",
    "NotificationSettings",
    "NotifierSettings",
    "Option",
    "Settings",
    "SettingsError",
    "SimulatorSettings",
    "Sources",
    "Value",
    "library_options",
    "load",
    "options",
]
