import json

import pytest

from domain.optimization.scoring_engines.dummy_container import DummyScoringContainer
from domain.optimization.scoring_engines.dummy_scorer import FEATURES, DummyScorer

MIB = 2**20
IDLE = dict.fromkeys(FEATURES, 0.0)
CPU, READS, WRITES = "proc-processor-time-%", "mem-page-reads/sec", "mem-page-writes/sec"
DISK = {"disk-read-bytes/sec": 50.0 * MIB, "disk-write-bytes/sec": 50.0 * MIB}


@pytest.mark.parametrize(
    ("features", "scores"),
    [
        ({}, (0, 100, 0, 0, 0)),
        ({CPU: 39.9, READS: 499, WRITES: 499}, (0, 100, 0, 0, 0)),
        ({CPU: 40, READS: 500}, (0, 100, 50, 50, 0)),
        ({WRITES: 500}, (0, 100, 0, 50, 0)),
        ({CPU: 80, READS: 1000, WRITES: 1000, **DISK}, (1, 0, 100, 0, 0)),
        ({CPU: 79, READS: 1000, WRITES: 1000, **DISK}, (2, 0, 0, 100, 0)),
        ({READS: 1000, WRITES: 999, **DISK}, (3, 0, 0, 0, 100)),
        ({**DISK, "disk-write-bytes/sec": 50.0 * MIB - 1}, (0, 100, 0, 0, 0)),
    ],
)
def test_a_workload_is_classified_by_the_first_threshold_that_it_reaches(
    features: dict[str, float], scores: tuple[int, ...]
) -> None:
    assert DummyScorer().score(list({**IDLE, **features}.values())) == scores


@pytest.mark.parametrize("count", [0, 8, 10])
def test_a_classifier_refuses_other_than_nine_features(count: int) -> None:
    with pytest.raises(ValueError, match=f"expected 9 features, not {count}"):
        DummyScorer().score([0.0] * count)


def test_the_metainfo_of_the_classifier_describes_features_and_results() -> None:
    found = json.loads(DummyScorer.metainfo)
    assert len(found["feature_columns"]) == 9
    assert found["workloads"] == ["idle", "cpu-intensive", "memory-intensive", "disk-intensive"]
    assert found["result_columns"][0] == "workload"
    assert len(found["result_columns"]) == len(DummyScorer().score([0.0] * 9))


def test_the_container_has_minimum_maximum_and_average() -> None:
    engines = {one.name: one for one in DummyScoringContainer().engines()}
    assert {name: list(one.score([3.0, 1.0, 5.0])) for name, one in engines.items()} == {
        "dummy_min_scorer": [1.0],
        "dummy_max_scorer": [5.0],
        "dummy_avg_scorer": [3.0],
    }
    for one in engines.values():
        with pytest.raises(ValueError, match="at least one feature"):
            one.score([])
