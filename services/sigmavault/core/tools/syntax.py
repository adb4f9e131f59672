"""The text of tool calls, once it is whole: where it ends, and what it calls. Model text is hostile."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_NESTING = 32

_OPEN, _CLOSE = "([{", ")]}"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class MalformedError(ValueError):
    """It is no call."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as a model wrote it.

    Attributes:
        name: of the tool; known or not.
        arguments: JSON text of an object.
    """

    name: str
    arguments: str


class Balance:
    """Finds the end of a bracketed text that comes in parts."""

    def __init__(self, quotes: str) -> None:
        self._quotes = quotes
        self._expected: list[str] = []
        self._quote = ""
        self._escaped = False
        self.at = 0
        """How many characters were looked at."""

    def find_end(self, text: str) -> int | None:
        """The place behind the last bracket; None while it has not come. The text only ever grows.

        Raises:
            MalformedError: brackets do not match, or are nested too deep.
        """
        while self.at < len(text):
            each = text[self.at]
            self.at += 1
            if self._quote:
                self._in_quotes(each)
            elif each in self._quotes:
                self._quote = each
            elif each in _OPEN:
                self._expected.append(_CLOSE[_OPEN.index(each)])
                if len(self._expected) > MAX_NESTING:
                    raise MalformedError
            elif each in _CLOSE:
                if not self._expected or self._expected.pop() != each:
                    raise MalformedError
                if not self._expected:
                    return self.at
        return None

    def _in_quotes(self, each: str) -> None:
        if self._escaped:
            self._escaped = False
        elif each == "\\":
            self._escaped = True
        elif each == self._quote:
            self._quote = ""


def _refuse_constant(name: str) -> Any:
    raise MalformedError(name)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError from error


def as_arguments(value: Any) -> str:
    """JSON text of a call's arguments.

    Raises:
        MalformedError: they are no object, or nothing that JSON can say.
    """
    if isinstance(value, str):
        value = _read_json(value)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise MalformedError
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    except (ValueError, RecursionError) as error:
        raise MalformedError from error
    return text


def _one(value: Any) -> Call:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise MalformedError
    return Call(value["name"], as_arguments(value.get("arguments", value.get("parameters"))))


def read_calls(text: str) -> list[Call]:
    """The calls of `{"name": …, "arguments": …}`, or of a list of them.

    Raises:
        MalformedError: it is no such text.
    """
    value = _read_json(text)
    return [_one(each) for each in value] if isinstance(value, list) and value else [_one(value)]


def read_pythonic(text: str) -> list[Call]:
    """The calls of `[name(key="value"), …]`; never evaluates anything but literals.

    Raises:
        MalformedError: it is no such text.
    """
    if re.match(r"\[\s*\{", text):
        return read_calls(text)
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        raise MalformedError
    calls = []
    for part in _split(inner[1:-1]):
        name = _NAME.match(part)
        rest = part[name.end() :].strip() if name else ""
        if not name or not (rest.startswith("(") and rest.endswith(")")):
            raise MalformedError
        calls.append(Call(name[0], as_arguments(dict(map(_keyword, _split(rest[1:-1]))))))
    if not calls:
        raise MalformedError
    return calls


def _keyword(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not _NAME.fullmatch(name.strip()):
        raise MalformedError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes; the model's text does not go into the log
            return name.strip(), _literal(ast.parse(value.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise MalformedError from error


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None):
            return node.value
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(each) for each in items]
        case ast.Dict(keys=keys, values=values):
            pairs = ((_key(key), _literal(value)) for key, value in zip(keys, values, strict=True))
            return dict(pairs)
    raise MalformedError


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise MalformedError


def _split(text: str) -> Iterator[str]:
    """The parts between commas that are in no brackets and no quotes."""
    quote, escaped, depth, begin = "", False, 0, 0
    for at, each in enumerate(text):
        if quote:
            if not escaped and each == quote:
                quote = ""
            escaped = not escaped and each == "\\"
        elif each in "\"'":
            quote = each
        elif each in _OPEN or each in _CLOSE:
            depth += 1 if each in _OPEN else -1
        elif each == "," and not depth:
            yield text[begin:at].strip()
            begin = at + 1
    if last := text[begin:].strip():
        yield last
