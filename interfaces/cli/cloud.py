"""The cloud that a command reads: the --cloud argument, or that of a running `vigil up`."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from application.ports.cloud import CloudRefused
from infrastructure.settings import CloudSettings, LoadedSettings
from infrastructure.supervision import state
from interfaces.cli.arguments import add_flag, load_settings, locate
from interfaces.cli.errors import CommandFailed


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """Declares the argument that names a cloud."""
    add_flag(parser, "--cloud", "vigil.cloud", "NAME", "name of a cloud in clouds.yaml")


def locate_cloud(args: argparse.Namespace) -> LoadedSettings:
    """As ``locate``, also with the cloud and the datasource of `vigil up` if no cloud is named."""
    loaded = locate(args)
    found = state.read(loaded.settings.data_dir)
    if found is None or loaded.chosen("vigil", "cloud"):
        return loaded
    known = {
        "database.connection": str(loaded.settings.database.connection),
        "vigil.cloud": found.cloud,
        "vigil.cloud_config": found.cloud_config and str(Path(found.cloud_config)),
        "vigil.prometheus_url": found.prometheus_url,
    }
    return load_settings(args, {name: value for name, value in known.items() if value})


def locate_models(args: argparse.Namespace) -> LoadedSettings:
    """As ``locate_cloud``, for what is stored in the database.

    The models in the database of a `vigil up` are those of its cloud, whatever cloud the
    configuration of this command names; only --cloud names another one.
    """
    loaded = locate_cloud(args)
    found = state.read(loaded.settings.data_dir)
    database = str(loaded.settings.database.connection)
    if found is None or found.database != database or "vigil.cloud" in dict(args.assignments or []):
        return loaded
    return load_settings(args, {"database.connection": database, "vigil.cloud": found.cloud})


@contextmanager
def cloud_required(cloud: CloudSettings) -> Iterator[None]:
    """Explains how to name a cloud if none is named and the connection fails.

    Raises:
        CommandFailed: instead of CloudRefused, if no cloud is named.
    """
    try:
        yield
    except CloudRefused as error:
        if not cloud.is_simulated:
            raise
        raise CommandFailed(
            "no cloud is named: use --cloud NAME for a cloud of clouds.yaml, or --data DIR for the "
            f"cloud of the `vigil up` that runs there ({error})"
        ) from error
