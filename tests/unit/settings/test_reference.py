from pathlib import Path

from infrastructure.settings import load, options
from infrastructure.settings.pages import reference, sample

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_committed_reference_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(list(options())), (
        "run `make docs` and commit docs/configuration.md"
    )


def test_the_sample_file_is_a_valid_file_that_changes_nothing(tmp_path: Path) -> None:
    commented = tmp_path / "vigil.conf"
    text = sample(list(options()))
    commented.write_text(text)
    assert load(files=[commented]).settings == load(files=[]).settings
    lines = [line.removeprefix("# ") for line in text.splitlines() if not line.endswith(" =")]
    commented.write_text("\n".join(lines))
    spelt_out = load(files=[commented])
    assert spelt_out.settings == load(files=[]).settings
    assert spelt_out.chosen("api", "port")
