"""Cluster files and pseudonyms, on random clusters in which every placement rule occurs."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import decode_model, encode_model
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.anonymise import Models, anonymised
from domain.cluster.formats.cluster_file import read_cluster, write_cluster
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.volume_rules import VolumeRules
from domain.cluster.storage.model import StorageModel
from domain.cluster_models.diff import compute_changes
from tests.properties.cluster import generate
from tests.properties.cluster.test_zones import storage as random_storage

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
    shown, _ = anonymised(Models(model), {})
    assert np.array_equal(legal(shown.compute), legal(model))


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_storage_in_a_file_is_the_same_and_pseudonyms_leave_its_verdicts(seed: int) -> None:
    """``export`` left it out. Only the ids of attachments are lost."""
    random = Random(seed)
    model = generate.cluster(random)
    storage = random_storage(random, model)
    again = through_file(model, storage)
    assert plain(again) == plain(storage)
    shown, _ = anonymised(Models(model, storage), {})
    assert shown.storage is not None
    masked = through_file(shown.compute, shown.storage)
    assert np.array_equal(allowed(masked, shown.compute), allowed(storage, model))


def through_file(model: ComputeModel, storage: StorageModel) -> StorageModel:
    found = read_cluster(json.loads(json.dumps(write_cluster(model, storage=storage))))
    assert found.quarantined == ()
    assert found.storage is not None
    return found.storage


def plain(storage: StorageModel) -> dict[str, object]:
    columns: dict[str, Any] = storage.to_columns()
    for table in ("volumes", "unplaced"):
        del columns[table]["attachments"]
    return columns


def allowed(storage: StorageModel, model: ComputeModel) -> list[list[bool]]:
    """Volume by pool, and whether it can be moved at all."""
    rules, volumes = VolumeRules(storage, model), storage.volumes
    nothing = np.zeros(len(storage.pools))
    rows = [
        rules.explain(one, int(volumes.pool[one]), nothing, volumes.volume_type[one]).legal
        for one in range(len(volumes))
    ]
    return [[*row.tolist(), bool(can)] for row, can in zip(rows, rules.movable, strict=True)]


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
