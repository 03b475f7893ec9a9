"""The contract of datasources as plug-ins: they open a source of metrics from their options."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic

from openstack.connection import Connection

from domain.kernel.options import NoOptions, O
from infrastructure.datasources.metric_map import Names
from infrastructure.datasources.selection import Listed
from infrastructure.settings import MetricsSettings


@dataclass(frozen=True)
class DatasourceContext(Generic[O]):
    """What a datasource is opened with.

    Attributes:
        options: typed, from ``[watcher_datasources.<name>]``.
        settings: those of all datasources: timeouts, retries.
        connection: to the cloud, whose catalogue may have the endpoint.
        names: the operator's names of metrics.
    """

    options: O
    settings: MetricsSettings
    connection: Connection
    names: Names


class Datasource(ABC, Generic[O]):
    """A kind of datasource.

    Attributes:
        name: registered name, as in ``[watcher_datasources] datasources``.
        options: dataclass of its options; every field has a default.
    """

    name: ClassVar[str]
    options: type[O] = NoOptions  # type: ignore[assignment]

    @abstractmethod
    def open(self, context: DatasourceContext[O]) -> Listed:
        """A source of metrics, or the settings that it lacks; sends no request.

        Raises:
            ValueError: the settings are inconsistent.
        """
