import argparse

from infrastructure import simulator


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Serves a simulated OpenStack (Keystone, Nova, Placement, Cinder, Ironic) with MAAS and "
        "Prometheus on loopback until Ctrl-C or SIGTERM; prints its address (docs/simulator.md)."
    )
    simulator.add_arguments(parser)
    parser.set_defaults(debug=False)


def run(args: argparse.Namespace) -> int:
    """Serves the simulated cloud."""
    return simulator.run(args)
