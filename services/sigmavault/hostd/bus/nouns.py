"""One interface for each noun, one method for each operation, made from the registry."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sdbus import DbusInterfaceCommonAsync, DbusUnprivilegedFlag, dbus_method_async

from sigmavault.core.operation import Read
from sigmavault.core.operation.surfaces import AnyOperation, camel, dbus_interface, verb

type Kind = type[AnyOperation]
type Call = Callable[[Any, str, str], Awaitable[Any]]
"""What a method does with the object, the name of the operation and the arguments."""


def interfaces(everything: Mapping[str, Mapping[str, Kind]], read: Call, plan: Call) -> tuple[type, ...]:
    """The classes, to be bases of one object.

    Args:
        everything: operations by name, by noun.
        read: answers a read: one text.
        plan: answers a change: plan and token.
    """
    return tuple(
        types.new_class(
            f"{camel(noun)}Interface", (DbusInterfaceCommonAsync,),
            {"interface_name": dbus_interface(noun)}, partial(_fill, operations.values(), read, plan),
        )
        for noun, operations in everything.items()
        if operations
    )  # fmt: skip


def _fill(operations: Iterable[Kind], read: Call, plan: Call, namespace: dict[str, Any]) -> None:
    for operation in operations:
        is_read = issubclass(operation, Read)
        attribute = "on_" + operation.name.replace(".", "_").replace("-", "_")
        namespace[attribute] = dbus_method_async(
            "s", "s" if is_read else "ss", DbusUnprivilegedFlag,
            ("answer",) if is_read else ("plan", "token"), ("arguments",), method_name=camel(verb(operation)),
        )(_method(operation, read if is_read else plan))  # fmt: skip


def _method(operation: Kind, call: Call) -> Callable[[Any, str], Awaitable[Any]]:
    async def method(self: Any, arguments: str) -> Any:
        return await call(self, operation.name, arguments)

    method.__doc__ = operation.summary
    return method
