"""Recorded decisions, opened for reading: they can be repeated, and nothing can be written."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from importlib.metadata import version

from application.commands.parameters import completed
from application.decision_engine.computation import DirectRunner
from application.kernel.errors import Unavailable
from application.ports.event_log import ReadOnlyLog
from application.ports.plugins import OptimizerOptions
from application.ports.records import RecordStore
from application.ports.strategy_runner import StrategyRunner
from application.replay.runs import RecordedRun
from application.replay.verification import RunVerification, Verifier
from application.replay.whatif import Fork, Forker, Variation
from domain.plans.events import PlanProposed
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import Settings
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from interfaces.bootstrap.database import CLOCK
from interfaces.bootstrap.history import History
from interfaces.bootstrap.strategies import direct_runner

DISTRIBUTION = "vigil-optimizer"


def process_runner(settings: Settings) -> ProcessRunner:
    """Runs each strategy in a process of its own, with the configured limits."""
    chosen = settings.decision_engine
    return ProcessRunner(
        direct_runner, ProcessLimits(chosen.strategy_timeout, chosen.strategy_memory)
    )


def verifier(
    settings: Settings,
    log: ReadOnlyLog,
    records: RecordStore,
    registry: Registry,
    runner: StrategyRunner,
) -> Verifier:
    """Repeats recorded decisions with the installed plug-ins."""
    options = PluginOptions(registry, settings.sources)
    return Verifier(
        log,
        records,
        runner,
        registry.optimizers,
        OptimizerOptions(options.of("strategy"), options.of("planner")),
        version(DISTRIBUTION),
        CLOCK,
    )


def forker(
    settings: Settings, records: RecordStore, registry: Registry, runner: StrategyRunner
) -> Forker:
    """Forks recorded decisions with the installed plug-ins."""
    options = PluginOptions(registry, settings.sources)
    return Forker(
        records,
        runner,
        registry.optimizers,
        OptimizerOptions(options.of("strategy"), options.of("planner")),
        completed,
    )


class OneAtATime:
    """Repeats decisions in processes of their own, one at a time: a strategy may take minutes.

    Args:
        settings: with the limits of a run.
        log: the event log.
        records: the stored records.
        registry: the installed plug-ins.
    """

    def __init__(
        self, settings: Settings, log: ReadOnlyLog, records: RecordStore, registry: Registry
    ) -> None:
        self._settings = settings
        self._log = log
        self._records = records
        self._registry = registry
        self._busy = threading.Lock()

    @cached_property
    def _runner(self) -> ProcessRunner:
        return process_runner(self._settings)

    def verify(self, run: RecordedRun) -> RunVerification:
        """Repeats the decision of a run.

        Raises:
            Unavailable: another one is being repeated.
        """
        with self._alone():
            found = verifier(self._settings, self._log, self._records, self._registry, self._runner)
            return found.verify(run)

    def fork(self, plan: PlanProposed, variation: Variation) -> Fork:
        """Forks the decision of a plan.

        Raises:
            Unavailable: another one is being repeated, or a record of the plan is lost.
            InvalidValue: the variation is invalid.
        """
        with self._alone():
            found = forker(self._settings, self._records, self._registry, self._runner)
            try:
                return found.fork(plan, variation)
            except (KeyError, ValueError) as lost:
                raise Unavailable(f"A record of the plan cannot be read: {lost}") from lost

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise Unavailable("This process is repeating another decision. Try again later.")
        try:
            yield
        finally:
            self._busy.release()

    def close(self) -> None:
        """Ends the processes."""
        if "_runner" in vars(self):
            self._runner.close()


@contextmanager
def opened_verifier(history: History, *, isolated: bool) -> Iterator[Verifier]:
    """A verifier of the runs of an installation.

    Args:
        history: of the installation.
        isolated: whether each strategy runs in a process of its own.
    """
    registry = Registry()
    runner: StrategyRunner = (
        process_runner(history.settings) if isolated else DirectRunner(registry.optimizers)
    )
    with closing(runner):
        yield verifier(history.settings, history.log, history.records, registry, runner)


@contextmanager
def opened_forker(history: History) -> Iterator[Forker]:
    """Forks decisions of an installation; each strategy runs in this process."""
    registry = Registry()
    with closing(DirectRunner(registry.optimizers)) as runner:
        yield forker(history.settings, history.records, registry, runner)
