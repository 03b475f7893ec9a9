from dataclasses import replace
from pathlib import Path

from infrastructure.settings import LoadedSettings, Settings, load, options
from infrastructure.settings.pages import sample


def without_files(loaded: LoadedSettings) -> Settings:
    return replace(loaded.settings, config_files=())


def test_the_sample_file_is_a_valid_file_that_changes_nothing(tmp_path: Path) -> None:
    commented = tmp_path / "vigil.conf"
    text = sample(list(options()))
    commented.write_text(text)
    assert without_files(load(files=[commented])) == without_files(load(files=[]))
    lines = [line.removeprefix("# ") for line in text.splitlines() if not line.endswith(" =")]
    commented.write_text("\n".join(lines))
    spelt_out = load(files=[commented])
    assert without_files(spelt_out) == without_files(load(files=[]))
    assert spelt_out.chosen("api", "port")
