"""Checks the actions that the parameters of a strategy list, before anything is stored."""

from collections.abc import Mapping
from typing import Any

from application.commands.catalogue import DefinitionLookup
from application.kernel.action_parameters import check_requested
from application.kernel.typed_values import typed
from domain.kernel.aggregate import JsonObject
from domain.optimization.strategy import Strategy


class RequestedActions:
    """The actions that parameters list, held against the registered action types.

    Args:
        strategies: those installed here; the actions of others are checked by their runs only.
        definitions: the registered action types.
    """

    def __init__(
        self, strategies: Mapping[str, Strategy[Any]], definitions: DefinitionLookup
    ) -> None:
        self._strategies = strategies
        self._definitions = definitions

    def check(self, name: str, parameters: JsonObject, field: str = "parameters") -> None:
        """Checks parameters that are valid by the strategy's schema.

        Args:
            name: of the strategy.
            parameters: with or without defaults.
            field: name of the parameters in errors.

        Raises:
            InvalidValue: an action has a type that is not registered, or invalid parameters.
        """
        strategy = self._strategies.get(name)
        if strategy is None:
            return
        given = typed(parameters, strategy.parameters)
        check_requested(strategy, given, self._definitions.action_types, field)
