from typing import TextIO

RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


def alarm(text: str, stream: TextIO | None) -> None:
    """Says something in red, if a person is there to see it; the log has it as a warning."""
    if stream is not None and stream.isatty():
        stream.write(f"{RED}{text}{PLAIN}\n")
        stream.flush()
