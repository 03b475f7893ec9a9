"""The output of the demo: tables and live progress on a terminal, plain lines elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from application.queries.overview import PlanLine, RunningLine
from application.replay.timeline import TimelineEntry
from domain.plans import ActionPlan
from infrastructure.logs import one_line
from interfaces.demo.cloud import Figures
from interfaces.terminal.history import log_text
from interfaces.terminal.plan_progress import progress_bar, unsuccessful
from interfaces.terminal.wording import bar, target

ACTIONS_SHOWN = 8
BAR = 40


class DemoOutput:
    """Prints what the demo does."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, text: str) -> None:
        """Prints the heading of a step."""
        self.console.print(Text(f"\n== {text}", style="bold cyan"))

    def line(self, text: str) -> None:
        """Prints a line."""
        self.console.print(Text(text))

    def plan(self, plan: ActionPlan, answer: dict[str, Any]) -> None:
        """Prints an action plan: its actions with their reasons, its efficacy."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in ("#", "action", "target", "reason"):
            table.add_column(name, overflow="fold", justify="right" if name == "#" else "left")
        for number, action in enumerate(plan.actions.values(), start=1):
            spec = action.spec
            table.add_row(
                str(number), spec.type, Text(target(spec.parameters)), Text(str(spec.because))
            )
        if self.console.is_terminal:
            self.console.print(table)
        else:
            self._plain_plan(plan)
        self._efficacy(answer)

    def _plain_plan(self, plan: ActionPlan) -> None:
        for number, action in enumerate(plan.actions.values(), start=1):
            spec = action.spec
            self.line(f"{number:>4}  {spec.type}  {target(spec.parameters)}  ({spec.because})")

    def _efficacy(self, answer: dict[str, Any]) -> None:
        self.line("")
        for one in (*answer["efficacy_indicators"], *answer["global_efficacy"]):
            self.line(f"  {one['description'].rstrip('.')}: {_figure(one)}")

    def result(self, before: Figures, after: Figures, seconds: float) -> None:
        """Prints the figures of the cloud before and after."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("cloud")
        table.add_column("before", justify="right")
        table.add_column("after", justify="right", style="bold")
        rows = (
            ("compute hosts", before.hosts, after.hosts),
            ("hosts in use", before.used, after.used),
            ("hosts without servers", before.empty, after.empty),
            ("disabled hosts", before.disabled, after.disabled),
            ("servers", before.servers, after.servers),
        )
        for name, old, new in rows:
            table.add_row(name, str(old), str(new))
        self.console.print(table)
        migrated = after.migrations - before.migrations
        failed = after.failed - before.failed
        self.line(f"{migrated} migrations succeeded, {failed} failed, in {seconds:.0f} s.")

    def events(self, entries: Sequence[TimelineEntry]) -> None:
        """Prints events of the log."""
        log_text(entries, self.console)


def _figure(one: dict[str, Any]) -> str:
    value = one["value"]
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{number} {one['unit']}" if one.get("unit") else number


class PlanProgressDisplay:
    """The progress of a plan: redrawn on a terminal, elsewhere a line per 10 percent."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )
        self._printed = -1

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, plan: PlanLine, seconds: float) -> None:
        """Shows the present progress."""
        if self._live is not None:
            self._live.update(_drawn(plan, seconds), refresh=True)
            return
        tenth = plan.ended * 10 // max(1, plan.total)
        if tenth > self._printed:
            self._printed = tenth
            self._console.print(
                f"{seconds:5.0f} s  {plan.state}  {plan.succeeded}/{plan.total} actions succeeded, "
                f"{plan.ongoing} running  {unsuccessful(plan)}".rstrip(),
                markup=False,
            )


def _drawn(plan: PlanLine, seconds: float) -> Group:
    lines = [
        Text.assemble(
            (f"{plan.state:<10} ", "cyan"),
            progress_bar(plan, BAR),
            f" {plan.succeeded}/{plan.total}  {seconds:.0f} s  ",
            unsuccessful(plan),
        )
    ]
    lines.extend(_action(one) for one in plan.running[:ACTIONS_SHOWN])
    if len(plan.running) > ACTIONS_SHOWN:
        lines.append(Text(f"  … and {len(plan.running) - ACTIONS_SHOWN} more", style="dim"))
    return Group(*lines)


def _action(one: RunningLine) -> Text:
    percent = one.percent or 0.0
    return Text(
        f"  {bar(percent / 100, BAR // 4)} {percent:3.0f}%  {one_line(one.target)}", style="dim"
    )
