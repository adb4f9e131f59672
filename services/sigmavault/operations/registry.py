"""Finds the operations: a class in a file is enough."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sigmavault import operations
from sigmavault.core.errors import InvalidRequestError
from sigmavault.core.operation import Operation

type AnyOperation = Operation[Any, Any]


def nouns() -> tuple[str, ...]:
    """What there are operations for, without loading any of them."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(operations.__path__) if each.ispkg))


@cache
def of_noun(noun: str) -> Mapping[str, type[AnyOperation]]:
    """The operations for one noun, by name, in the order of their names."""
    package = import_module(f"{operations.__name__}.{noun}")
    found: dict[str, type[AnyOperation]] = {}
    for module in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        for operation in _declared(f"{package.__name__}.{module}"):
            found[operation.name] = operation
    return MappingProxyType(found)


def everything() -> Mapping[str, type[AnyOperation]]:
    """All operations, by name."""
    return {name: each for noun in nouns() for name, each in of_noun(noun).items()}


def find(name: str) -> type[AnyOperation]:
    """The operation of a name.

    Raises:
        InvalidRequestError: there is none.
    """
    noun = name.partition(".")[0]
    found = of_noun(noun).get(name) if noun in nouns() else None
    if found is None:
        raise InvalidRequestError(f"there is no operation {name[:80]!r}", param="operation")
    return found


def _declared(module: str) -> Iterator[type[AnyOperation]]:
    """Operations whose class stands in this very file; helpers beside it have none."""
    for _name, each in inspect.getmembers(import_module(module), inspect.isclass):
        is_here = each.__module__ == module
        if is_here and issubclass(each, Operation) and not inspect.isabstract(each):
            yield each


def add_folder(path: Path) -> None:
    """Find the operations below another folder as well (tests)."""
    operations.__path__.append(str(path))
