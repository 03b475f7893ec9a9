"""`vigil seal`: a key, a sealed log, and a proof that another machine verifies."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from application.seal.sealer import Sealer
from infrastructure.event_log import SqlEventLog, open_seals
from infrastructure.seal.keys import PrivateKey
from interfaces.cli.main import main
from tests.conformance.event_log.counters import CLOCK
from tests.conformance.seal.tampering import edit, tampered
from tests.world.histories import SHORT_AUDIT, short_history

Proof = dict[str, list[dict[str, object]]]
VERIFIER = Path(__file__).parents[3] / "examples" / "verify_proof.py"


pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def public_key(
    event_log: SqlEventLog, event_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Path:
    """Of the key that sealed a short history."""
    short_history(event_log)
    assert main(["seal", "key"]) == 0
    path = tmp_path / "public.pem"
    path.write_text(capsys.readouterr().out)
    key = tmp_path / "data" / "seal.key"
    assert key.stat().st_mode & 0o077 == 0
    with closing(open_seals(event_database)) as seals:
        Sealer(seals, seals, PrivateKey.read(key), None, CLOCK).seal()
    return path


def checked(proof: Path, key: Path) -> subprocess.CompletedProcess[str]:
    """The stand-alone verifier, in a process that knows nothing of Vigil."""
    return subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(proof), str(key)],
        capture_output=True,
        text=True,
        check=False,
        cwd=proof.parent,
    )


def test_the_key_is_made_once(public_key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seal", "key"]) == 0
    assert capsys.readouterr().out == public_key.read_text()


def test_the_whole_log_is_verified(
    public_key: Path, event_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["seal", "verify", "--public-key", str(public_key)]
    assert main(words) == 0
    assert "unchanged since sealed" in capsys.readouterr().out
    tampered(event_database, edit(3))
    assert main(words) == 1
    text = capsys.readouterr().out
    assert "bad: event 3 was changed" in text
    assert "first bad position: 3" in text
    assert main([*words, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["is_good"], report["first_bad"]) == (False, 3)


def test_an_unsealed_log_is_not_called_good(
    event_log: SqlEventLog, capsys: pytest.CaptureFixture[str]
) -> None:
    short_history(event_log)
    assert main(["seal", "key"]) == 0
    assert main(["seal", "verify"]) == 1
    assert "nothing is sealed" in capsys.readouterr().out


def test_without_a_key_the_error_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seal", "verify"]) == 1
    assert "--public-key" in capsys.readouterr().err


def test_a_proof_is_verified_elsewhere_with_the_public_key_alone(
    public_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seal", "prove", str(SHORT_AUDIT)]) == 0
    proof = tmp_path / "proof.json"
    proof.write_text(capsys.readouterr().out)
    done = checked(proof, public_key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "are proven" in done.stdout
    topics = {event["topic"] for event in json.loads(proof.read_text())["events"]}
    assert {"audit.requested", "plan.proposed"} <= topics


def _changed_state(proof: Proof) -> None:
    event = proof["events"][0]
    event["state"] = str(event["state"]).replace("admin", "nobody")


def _left_out(proof: Proof) -> None:
    del proof["events"][1]


def _forged(proof: Proof) -> None:
    seal = proof["seals"][0]
    seal["statement"] = str(seal["statement"]).replace('"number":1', '"number":2')


@pytest.mark.parametrize("change", [_changed_state, _left_out, _forged])
def test_a_changed_proof_is_refused(
    public_key: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Proof], None],
) -> None:
    assert main(["seal", "prove", str(SHORT_AUDIT)]) == 0
    found = json.loads(capsys.readouterr().out)
    change(found)
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(found))
    done = checked(proof, public_key)
    assert (done.returncode, "NOT PROVEN" in done.stdout) == (1, True)
