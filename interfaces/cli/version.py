import argparse
import platform
from importlib.metadata import version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments (none)."""
    parser.set_defaults(debug=False)


def run(_args: argparse.Namespace) -> int:
    """Prints the version."""
    print(version_line())
    return 0


def version_line() -> str:
    """Versions of Vigil and Python."""
    return f"vigil {version('vigil-optimizer')} (Python {platform.python_version()})"
