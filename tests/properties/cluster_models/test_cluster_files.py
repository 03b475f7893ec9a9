"""Cluster files and pseudonyms, on random clusters in which every placement rule occurs."""

import json
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import decode_model, encode_model
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.anonymise import anonymised
from domain.cluster.formats.cluster_file import read_cluster, write_cluster
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster_models.diff import compute_changes
from tests.properties.cluster import generate

SEEDS = st.integers(min_value=0, max_value=2**32)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_files_and_records_lose_nothing(seed: int) -> None:
    model = generate.cluster(Random(seed))
    again = read_cluster(json.loads(json.dumps(write_cluster(model)))).model
    assert again.to_columns() == model.to_columns()
    content = encode_model(COMPUTE, model, ())
    kept = decode_model(content).read(COMPUTE)
    assert encode_model(COMPUTE, kept, ()) == content
    assert not any(compute_changes(model, kept).values())


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_pseudonyms_leave_every_verdict_on_every_placement_as_it_is(seed: int) -> None:
    model = generate.cluster(Random(seed))
    shown, _ = anonymised(model, {})
    assert np.array_equal(legal(shown), legal(model))


def test_a_lost_aggregate_key_would_be_noticed() -> None:
    """The control: without the metadata of aggregates some verdict is another."""
    for seed in range(300):
        model = generate.cluster(Random(seed))
        bare = tuple(replace(one, metadata={}) for one in model.aggregates)
        if not np.array_equal(legal(replace(model, aggregates=bare)), legal(model)):
            return
    pytest.fail("no verdict depends on the metadata of aggregates")


def legal(model: ComputeModel) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """bool[servers, hosts]."""
    rules, branch = Constraints(model), Branch(model)
    rows = [rules.legal_hosts(branch, server) for server in range(len(model.servers))]
    return np.array(rows, dtype=np.bool_).reshape(len(rows), len(model.hosts))
