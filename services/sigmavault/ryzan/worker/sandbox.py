"""Where a chat template out of a model file runs: jinja2's immutable sandbox, with bounded results.

The sandbox keeps a template away from Python's insides, not from memory: `'x' * 10**9` or a number of a
billion digits is one step, which no time limit interrupts. So every step that can grow is looked at first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST_VALUE = 8 * 1024 * 1024
"""Most characters or members of one value."""
_MOST_BITS = 4096
_WIDE = re.compile(r"\d{5,}|\*")
"""A width in a format text that would make megabytes of one number."""


def refuse(message: str) -> NoReturn:
    """End the template with a reason: also what `raise_exception` of templates does."""
    raise TemplateError(message)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of templates."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("center", "format", "indent"):
            self.filters[name] = _bounded(self.filters[name])

    # Intercepted operators are not computed while compiling either.
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute `left operator right`, or refuse what would be too large."""
        if _size(operator, left, right) > LARGEST_VALUE:
            refuse(f"`{operator}` makes a value that is too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, or refuse arguments that ask for megabytes of padding."""
        method = getattr(obj, "__wrapped__", obj)  # jinja's sandbox wraps the methods that format
        text = getattr(method, "__self__", "")
        is_format = isinstance(text, str) and getattr(method, "__name__", "").startswith("format")
        _check(text if is_format else "", [*args, *kwargs.values()])
        return super().call(context, obj, *args, **kwargs)


def _check(form: str, arguments: Iterable[Any]) -> None:
    if any(isinstance(each, int) and abs(each) > LARGEST_VALUE for each in arguments):
        refuse("an argument is too large")
    if _WIDE.search(form):
        refuse("a format is too wide")


def _bounded(pad: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, for what fits."""

    @functools.wraps(pad)
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        _check(str(value) if pad.__name__ == "do_format" else "", [*args, *kwargs.values()])
        return pad(value, *args, **kwargs)

    return bounded


def _size(operator: str, left: Any, right: Any) -> int:
    """About how large the result is, in characters, members, or (too many) bits."""
    if operator == "%":
        return LARGEST_VALUE + 1 if isinstance(left, str) and _WIDE.search(left) else 0
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        return LARGEST_VALUE + 1 if bits > _MOST_BITS else 0
    if operator == "+" and hasattr(left, "__len__") and hasattr(right, "__len__"):
        return len(left) + len(right)
    if operator == "*":
        return max(_repeated(left, right), _repeated(right, left))
    return 0


def _repeated(what: Any, times: Any) -> int:
    return len(what) * times if hasattr(what, "__len__") and isinstance(times, int) else 0
