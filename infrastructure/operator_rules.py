"""The operator's placement rules in a file."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from application.ports.operator_rules import RulesUnreadable
from infrastructure.text_files import NotText, read_text


class RulesFile:
    """A YAML or JSON file, read anew each time.

    Args:
        path: of the file.

    Attributes:
        name: the path.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def read(self) -> object:
        """The content of the file.

        Raises:
            RulesUnreadable: it cannot be read, is not YAML, or has a key twice.
        """
        try:
            # the loader is a SafeLoader
            return yaml.load(read_text(self._path), _Loader)  # noqa: S506
        except (OSError, NotText) as error:
            raise RulesUnreadable(f"the file cannot be read: {error}") from error
        except yaml.YAMLError as error:
            raise RulesUnreadable(f"it is not YAML: {' '.join(str(error).split())}") from error


class _Loader(yaml.SafeLoader):
    """Refuses a key that occurs twice: YAML would drop the rules under the first one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - its base's
        found: set[Hashable] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, Hashable) and name in found:
                problem = f"the key {name!r} occurs twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            found.add(name)
        return super().construct_mapping(node, deep)
