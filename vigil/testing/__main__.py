"""``python -m vigil.testing FOLDER``: writes ``expected.json`` of all scenarios below a folder.

Read the differences (``git diff``) before you commit them: they are what the tests demand from now
on.
"""

import argparse
from pathlib import Path

from vigil.testing.runs import scenarios


def main() -> None:
    """Writes the files, and prints the name of each scenario whose outcome is new."""
    parser = argparse.ArgumentParser(prog="python -m vigil.testing", description=__doc__)
    parser.add_argument("folder", type=Path)
    found = scenarios(parser.parse_args().folder)
    for scenario in found:
        if scenario.record():
            print(f"written: {scenario}")
    print(f"{len(found)} scenarios")


if __name__ == "__main__":
    main()
