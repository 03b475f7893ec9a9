"""The public face: its names are a promise, so each is written a second time in this folder."""

import importlib
import inspect
import subprocess
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

import pytest

import vigil.plugins
import vigil.testing

HERE = Path(__file__).parent
ALONE = "import sys, vigil.plugins; print(*(name for name in sys.modules))"


@pytest.mark.parametrize("module", [vigil.plugins, vigil.testing], ids=lambda one: one.__name__)
def test_the_public_names_are_those_of_the_list(module: ModuleType) -> None:
    listed = HERE / f"{module.__name__.removeprefix('vigil.')}.txt"
    assert module.__all__ == listed.read_text().split()
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_every_public_class_and_function_says_what_it_is() -> None:
    public = {
        name: found
        for module in (vigil.plugins, vigil.testing)
        for name in module.__all__
        if inspect.isclass(found := getattr(module, name)) or inspect.isfunction(found)
    }
    assert len(public) > 50
    assert [name for name, found in public.items() if not inspect.getdoc(found)] == []


def test_what_is_pure_loads_without_openstacksdk() -> None:
    """Strategies run in processes of their own, which start often."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert "vigil.plugins" in done.stdout.split()
    assert not {"openstack", "keystoneauth1", "requests"} & set(done.stdout.split())


def test_the_lazy_names_are_those_of_their_modules() -> None:
    for name, module in vigil.plugins.LAZY.items():
        assert getattr(vigil.plugins, name) is getattr(importlib.import_module(module), name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        vigil.plugins.Nothing  # noqa: B018 - it is the access that fails


@pytest.mark.parametrize("package", ["vigil", "domain", "application", "infrastructure"])
def test_the_types_of_the_public_names_are_published(package: str) -> None:
    """Without the marker, mypy treats everything that a plug-in imports as Any (PEP 561)."""
    assert resources.files(package).joinpath("py.typed").is_file()
