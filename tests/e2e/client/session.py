"""The ``openstack`` command, unmodified, in one process: each start of it takes two seconds."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from tests.e2e.client.cli import CLEAN

_LOOP = """
import contextlib, io, json, sys
from openstackclient import shell
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.main(json.loads(line))
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


class Session:
    """``openstack … optimize``, pointed at an API without authentication."""

    def __init__(self, url: str) -> None:
        self._options = ["--os-auth-type", "none", "--os-endpoint", url, "optimize"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=CLEAN,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=30)

    def __call__(self, *arguments: str) -> str:
        """Returns what a command that must succeed prints."""
        code, output, errors = self._run(arguments)
        assert not code, (arguments, output, errors)
        assert not errors, (arguments, errors)
        return output

    def json(self, *arguments: str) -> Any:
        """Returns the answer of a command that must succeed."""
        return json.loads(self(*arguments, "-f", "json"))

    def fails(self, *arguments: str) -> str:
        """Returns the error of a command that must fail."""
        code, output, errors = self._run(arguments)
        assert code, (arguments, output)
        return str(errors)

    def _run(self, arguments: tuple[str, ...]) -> tuple[int | None, str, str]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([*self._options, *arguments]) + "\n")
        stdin.flush()
        code, output, errors = json.loads(stdout.readline())
        return code, output, errors
