"""Units of the raw metrics that datasources have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERCENT_OF_A_SECOND = "10 ms"
"""Of CPU time per second, it is one percent of a core."""
_KINDS: Sequence[Mapping[str, float]] = (
    {"ns": 1.0, "us": 1e3, "ms": 1e6, PERCENT_OF_A_SECOND: 1e7, "s": 1e9},
    {"bytes": 1.0, "KiB": 1024.0, "MB": 1024.0**2, "GB": 1024.0**3},
    {"%": 1.0, "ratio": 100.0},
    {"mW": 1e-3, "W": 1.0, "kW": 1e3},
    {"0.1 CFM": 1.0, "CFM": 10.0},
)
"""Unit → its size, per kind of quantity."""
_KIND = {unit: kind for kind in _KINDS for unit in kind}
_WORDS: Mapping[str, str] = {
    "nanoseconds": "ns",
    "microseconds": "us",
    "milliseconds": "ms",
    "seconds": "s",
    "bytes": "bytes",
    "kibibytes": "KiB",
    "mebibytes": "MB",
    "gibibytes": "GB",
    "percent": "%",
    "ratio": "ratio",
    "watts": "W",
}


@dataclass(frozen=True)
class RawMetric:
    """A metric of a datasource.

    Attributes:
        name: the datasource's name of it.
        unit: of its values.
    """

    name: str
    unit: str

    def factor(self, unit: str) -> float:
        """The factor from its values to a unit, which it has to be ``convertible`` to."""
        kind = _KIND.get(unit, {})
        return 1.0 if self.unit == unit else kind[self.unit] / kind[unit]


def convertible(unit: str, to: str) -> bool:
    """Whether values of a unit can be converted to another one."""
    return unit == to or unit in _KIND.get(to, ())


def unit_of(name: str) -> str | None:
    """The unit that the name of a metric ends with, as is the convention of Prometheus.

    Source: "Metric and label naming", Prometheus documentation.
    """
    return _WORDS.get(name.partition("{")[0].removesuffix("_total").rpartition("_")[2])
