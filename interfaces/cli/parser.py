"""The parser of the command line: errors are two lines, what is wrong and what to do."""

import argparse
import difflib
import re
import sys
from typing import Final, NoReturn

from interfaces.cli.errors import USAGE
from interfaces.cli.printing import print_line

_CHOICE: Final = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)$")


class Parser(argparse.ArgumentParser):
    """Says which word was probably meant. Subparsers are of the same class."""

    def error(self, message: str) -> NoReturn:
        """Reports wrong arguments and ends the process."""
        found = _CHOICE.search(message)
        hint = f"`{self.prog} --help` describes it"
        if found is not None:
            word, known = found[1], re.findall(r"'([^']*)'", found[2])
            message = f"{message[: found.start()]}there is no {word!r}"
            close = difflib.get_close_matches(word, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
        report(message, hint)
        sys.exit(USAGE)


def report(message: str, hint: str | None) -> None:
    """Prints an error: what, and if it is known what to do."""
    print_line(f"vigil: error: {message}", sys.stderr)
    if hint:
        print_line(f"vigil: hint: {hint}", sys.stderr)
