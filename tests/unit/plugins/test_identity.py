"""The identities of plug-ins in the records of runs."""

from application.records.references import references_of
from tests.world.plugins import OPTIMIZERS


def test_the_digest_of_a_plug_in_does_not_look_like_a_record() -> None:
    """Each run logged "some of its references are not stored": those to its plug-ins' code."""
    identities = OPTIMIZERS.identities_of("dummy", "weight")
    assert {one.kind for one in identities} == {"strategy", "planner"}
    for one in identities:
        assert one.digest.startswith("sha256:")
        assert references_of(f'{{"digest":"{one.digest}"}}'.encode()).refers == frozenset()
