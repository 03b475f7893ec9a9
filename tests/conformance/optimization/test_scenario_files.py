"""Scenario folders as an author makes them: cluster and audit by hand, the outcome by command."""

import json
import subprocess
import sys
from pathlib import Path

from vigil.testing import generated_cluster, scenarios


def test_the_command_writes_what_the_strategy_does_and_the_test_demands_it(tmp_path: Path) -> None:
    folder = tmp_path / "cooling" / "hosts_are_emptied"
    folder.mkdir(parents=True)
    (folder / "cluster.json").write_text(json.dumps(generated_cluster()))
    (folder / "audit.json").write_text(json.dumps({"strategy": "vm_workload_consolidation"}))
    command = [sys.executable, "-m", "vigil.testing", str(tmp_path)]
    first = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert first.splitlines() == ["written: cooling/hosts_are_emptied", "1 scenarios"]
    (scenario,) = scenarios(tmp_path)
    assert scenario.expected() == scenario.outcome()
    assert scenario.expected()["actions"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == (
        "1 scenarios\n"
    )
    rules = {"fences": [{"servers": ["vm-1"], "hosts": ["compute-01"]}]}
    audit = {"strategy": "vm_workload_consolidation", "rules": rules}
    (folder / "audit.json").write_text(json.dumps(audit))
    assert scenario.outcome() != scenario.expected()
