from typing import TextIO

RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


def alarm(text: str, stream: TextIO | None) -> None:
    """Writes a text in red if the stream is a terminal (the log has it as a warning anyway)."""
    if stream is not None and stream.isatty():
        stream.write(f"{RED}{text}{PLAIN}\n")
        stream.flush()
