"""A compute model that a collector has stored."""

from dataclasses import replace

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import encode_model
from domain.cluster.compute.model import ComputeModel
from domain.cluster_models import ClusterModel, CompleteCollection
from infrastructure.read_models import SqlCollectedModels
from tests.given import context
from tests.world.values import host, server
from tests.world.world import World

SERVERS = ("server-0", "server-1", "web")


def collect(api: World, model: ClusterModel, **places: str) -> int:
    """A collection of two hosts and some servers; returns its position."""
    servers = [
        replace(server(name, places.get(name.replace("-", "_"), "cmp-1")), id=name)
        for name in SERVERS
    ]
    built, _ = ComputeModel.build([host("cmp-1"), host("cmp-2", zone="east")], servers)
    digest = api.records.put(encode_model(COMPUTE, built, ()))
    model.record_collection(
        context(),
        CompleteCollection(digest=digest, sizes={}, calls=1, seconds=1.0, problems=(), changes={}),
    )
    position = api.save(model)
    SqlCollectedModels(api.views_engine).confirm(model.id, digest, 5.0)
    return position
