"""What the sensors of a host and the processors' caches show, as formulas over its load."""

import hashlib

import numpy as np

from infrastructure.simulator.core.model import Host
from infrastructure.simulator.core.workload import Floats

_COLDEST_INLET, _INLET_SPREAD = 17.0, 3.0
"""°C; a host's inlet temperature follows from its name."""
_IDLE_RISE, _LOAD_RISE = 14.0, 6.0
"""From inlet to outlet: K on an idle host, and the further K at full load."""
_IDLE_POWER, _IDLE_CORE, _BUSY_CORE = 60.0, 1.2, 4.8
"""W: of an idle host, of each idle core, and of each core at full load in addition."""
_FLOW = 1.76
"""CFM x K per W: the volume of air that takes up a power (density 1.2 kg/m³, 1005 J/(kg K))."""
CACHE_PER_CORE = 1.0
"""MiB of L3 cache of a host for each of its cores."""
WORKING_SET = 4.0
"""MiB of L3 cache that each core in use asks for."""


def inlet(host: Host) -> float:
    """Temperature of the air that a host takes in, °C."""
    place = int(hashlib.sha256(host.name.encode()).hexdigest()[:8], 16) / 2**32
    return round(_COLDEST_INLET + _INLET_SPREAD * place, 1)


def outlet(host: Host, cores: Floats) -> Floats:
    """Temperature of the air that a host gives off, °C, by its cores in use."""
    return inlet(host) + _rise(host, cores)


def power(host: Host, cores: Floats) -> Floats:
    """Power that a host takes, W, by its cores in use."""
    return _IDLE_POWER + _IDLE_CORE * host.vcpus + _BUSY_CORE * cores


def airflow(host: Host, cores: Floats) -> Floats:
    """Air that a host's fans move, CFM: what takes its power up at its rise of temperature."""
    return _FLOW * power(host, cores) / _rise(host, cores)


def cache(host: Host, cores: Floats) -> Floats:
    """L3 cache that servers occupy: float64[servers, times], MiB.

    They share the cache in proportion to their demand once it is too small for all of them.

    Args:
        host: where they run.
        cores: that each of them uses: float64[servers, times].
    """
    demand = WORKING_SET * cores
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.minimum(1.0, CACHE_PER_CORE * host.vcpus / demand.sum(axis=0))
    return np.asarray(demand * np.nan_to_num(share, nan=1.0))


def _rise(host: Host, cores: Floats) -> Floats:
    return np.asarray(_IDLE_RISE + _LOAD_RISE * cores / host.vcpus)
