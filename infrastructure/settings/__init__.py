"""Settings: the options of Vigil, and the sources of their values."""

from infrastructure.settings.libraries import LibraryOptions, library_options
from infrastructure.settings.load import LoadedSettings, SettingsError, load, options
from infrastructure.settings.metrics import GrafanaSettings, MetricsSettings
from infrastructure.settings.sections import CloudSettings, Settings

__all__ = [
    "CloudSettings",
    "GrafanaSettings",
    "LibraryOptions",
    "LoadedSettings",
    "MetricsSettings",
    "Settings",
    "SettingsError",
    "library_options",
    "load",
    "options",
]
