"""The pictures and the explanation in the README, from a real run of the demo.

They are the output of the demo (the explanation of its plan, and the hosts in the middle of the
execution), and the plan in the web view.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from infrastructure.supervision import state
from interfaces.demo.film import Film, picture
from interfaces.demo.installation import DemoCloud, DemoInstallation
from interfaces.demo.output import WIDTH, DemoOutput
from interfaces.demo.places import Places
from interfaces.demo.scenarios import SCENARIOS
from interfaces.demo.script import DemoScript
from interfaces.terminal.plan_explanation import Document

FOLDER = Path("docs/pictures")
README = Path("README.md")
MARK = "<!-- explanation: `make pictures` copies it from the run of the demo that it draws -->\n"
HEIGHT = 30
SPEED = 60.0
FONT = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""Fonts of other servers; a browser has one of fixed width."""


class HalfWay(Film):
    """Keeps the picture of the moment when about half of the actions have ended."""

    kept: tuple[float, list[Text]] = (2.0, [])

    def __init__(self, console: Console, places: Places) -> None:
        super().__init__(console, places)
        self._all = places

    def show(self, plan: Document, succeeded: Collection[str], seconds: float) -> None:
        """Keeps the picture if it is nearer to the middle than the kept one."""
        super().show(plan, succeeded, seconds)
        distance = abs(plan["ended"] / max(1, plan["total"]) - 0.5)
        distance += 0.2 * all(one.get("percent") is None for one in plan["running"])
        if distance < HalfWay.kept[0]:
            now = self._all.at(succeeded)
            HalfWay.kept = distance, picture(plan, now, self._all.after, seconds, WIDTH, HEIGHT)


def main() -> int:
    """Runs the demo, prints it, and writes the pictures."""
    scenario, text = SCENARIOS["consolidation"], io.StringIO()
    size = DemoCloud(scenario.hosts, scenario.servers, scenario.seed, SPEED)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        installation = DemoInstallation(Path(directory), size.options())
        output = DemoOutput(Console(file=text, width=WIDTH))
        try:
            plan = DemoScript(installation, scenario, size, output, HalfWay).run()
            _photograph(Path(directory), plan)
        finally:
            installation.stop()
            sys.stdout.write(text.getvalue())
    explained = text.getvalue().partition("3. The plan, explained\n")[2].partition("\n\n4. ")[0]
    _copy(explained)
    _write("plan", "vigil demo: the plan, explained", [Text(one) for one in explained.splitlines()])
    _write("execution", "vigil demo: the plan is executed", HalfWay.kept[1])
    return 0


def _photograph(directory: Path, plan: str) -> None:
    """Photographs the plan in the web view, if there is a browser."""
    browser, up = shutil.which("chromium"), state.read(directory)
    if browser is None or up is None:
        sys.stderr.write("There is no chromium: docs/pictures/web.png is left as it is.\n")
        return
    subprocess.run(  # noqa: S603 - our own address
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--window-size=1200,760",
            "--virtual-time-budget=8000",
            f"--screenshot={FOLDER / 'web.png'}",
            f"{up.api_url}/ui/index.html#/plans/{plan}",
        ],
        check=True,
        timeout=60,
        stderr=subprocess.DEVNULL,
    )


def _copy(explained: str) -> None:
    """Replaces the explanation in the README."""
    text = README.read_text(encoding="utf-8")
    head, mark, rest = text.partition(MARK)
    _, _, tail = rest.partition("\n```\n")
    README.write_text(f"{head}{mark}```\n{explained.rstrip()}\n```\n{tail}", encoding="utf-8")


def _write(name: str, title: str, lines: Collection[Text]) -> None:
    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        console.print(line)
    format_ = FONT.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, ", "")
    svg = console.export_svg(title=title, theme=MONOKAI, code_format=format_, unique_id=name)
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
