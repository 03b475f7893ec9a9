"""The demo on the screen: a story for people, plain lines where there is no terminal."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from application.queries.overview import MoveLine, PlanLine
from application.replay.timeline import TimelineEntry
from domain.plans import ActionPlan
from interfaces.demo.cloud import Figures
from interfaces.terminal.history import log_text
from interfaces.terminal.wording import bar, one_line, target

MOVES_SHOWN = 8
BAR = 40


class DemoOutput:
    """Everything that the demo says."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, text: str) -> None:
        """What happens next."""
        self.console.print(Text(f"\n== {text}", style="bold cyan"))

    def say(self, text: str) -> None:
        """A remark."""
        self.console.print(Text(text))

    def plan(self, plan: ActionPlan, answer: dict[str, Any]) -> None:
        """The plan, move by move, with its reasons and its efficacy."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in ("#", "action", "what", "because"):
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
        self.efficacy(answer)

    def _plain_plan(self, plan: ActionPlan) -> None:
        for number, action in enumerate(plan.actions.values(), start=1):
            spec = action.spec
            self.say(f"{number:>4}  {spec.type}  {target(spec.parameters)}  ({spec.because})")

    def efficacy(self, answer: dict[str, Any]) -> None:
        """What the plan is good for."""
        self.say("")
        for one in answer["efficacy_indicators"]:
            self.say(f"  {one['description'].rstrip('.')}: {_figure(one)}")
        for one in answer["global_efficacy"]:
            self.say(f"  {one['description'].rstrip('.')}: {_figure(one)}")

    def result(self, before: Figures, after: Figures, seconds: float) -> None:
        """Before and after, as the cloud tells it."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("as the cloud says")
        table.add_column("before", justify="right")
        table.add_column("after", justify="right", style="bold")
        rows = (
            ("compute hosts", before.hosts, after.hosts),
            ("hosts in use", before.used, after.used),
            ("hosts that could be switched off", before.empty, after.empty),
            ("hosts closed for new servers", before.disabled, after.disabled),
            ("servers", before.servers, after.servers),
        )
        for name, old, new in rows:
            table.add_row(name, str(old), str(new))
        self.console.print(table)
        moved = after.migrations - before.migrations
        wrong = after.failed - before.failed
        self.say(f"{moved} migrations done, {wrong} failed, in {seconds:.0f} s.")

    def trail(self, moments: Sequence[TimelineEntry]) -> None:
        """The last events."""
        log_text(moments, self.console)


def _figure(one: dict[str, Any]) -> str:
    value = one["value"]
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{number} {one['unit']}" if one.get("unit") else number


class PlanProgressDisplay:
    """The execution of a plan, live: redrawn on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )
        self._told = -1

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
        """How far the plan is."""
        if self._live is not None:
            self._live.update(_drawn(plan, seconds), refresh=True)
            return
        tenth = plan.ended * 10 // max(1, plan.total)
        if tenth > self._told:
            self._told = tenth
            self._console.print(
                f"{seconds:5.0f} s  {plan.state}  {plan.ended}/{plan.total} actions ended, "
                f"{plan.ongoing} running",
                markup=False,
            )


def _drawn(plan: PlanLine, seconds: float) -> Group:
    fraction = plan.ended / max(1, plan.total)
    lines = [
        Text(
            f"{plan.state:<10} {bar(fraction, BAR)} {plan.ended}/{plan.total}  {seconds:.0f} s",
            style="cyan",
        )
    ]
    lines.extend(_move(one) for one in plan.moves[:MOVES_SHOWN])
    if len(plan.moves) > MOVES_SHOWN:
        lines.append(Text(f"  … and {len(plan.moves) - MOVES_SHOWN} more", style="dim"))
    return Group(*lines)


def _move(one: MoveLine) -> Text:
    percent = one.percent or 0.0
    return Text(
        f"  {bar(percent / 100, BAR // 4)} {percent:3.0f}%  {one_line(one.target)}", style="dim"
    )
