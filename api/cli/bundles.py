"""Options that belong together, as one parameter of a command."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, isclass, signature
from typing import Any, get_type_hints


def bundled(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its bundles, in the places of the bundles.

    A bundle is a parameter whose type is a dataclass; the fields of that are the options.
    """
    hints = get_type_hints(command, include_extras=True)
    bundles = {name: kind for name, kind in hints.items() if isclass(kind) and is_dataclass(kind)}
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name in bundles:
            own = get_type_hints(bundles[name], include_extras=True)
            options = signature(bundles[name]).parameters.values()
            found = [(each, own[each.name]) for each in options]
        else:
            found = [(parameter, hints[name])]
        parameters += (
            each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint) for each, hint in found
        )

    @wraps(command)
    def run(**given: Any) -> None:
        for name, kind in bundles.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    # typer reads the one and the other.
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
