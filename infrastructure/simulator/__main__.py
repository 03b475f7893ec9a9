import argparse
import sys

from infrastructure.simulator.cli import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m infrastructure.simulator",
        description="An OpenStack on loopback for rehearsals. Prints its URL when it is ready.",
    )
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
