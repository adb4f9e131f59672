"""From a conversation to tokens: the model's own chat template, in a sandbox.

Template and messages are both untrusted. A template out of a model file runs in a sandbox
(`sandbox.py`), with limits on time and size. A message cannot speak as somebody else: what would be read as
a control token in it is broken up first.
"""

from __future__ import annotations

import datetime
import json
import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser

from sigmavault.core.chat import Conversation, Message, ToolCall
from sigmavault.core.errors import InvalidRequestError, ModelRefusedError
from sigmavault.core.tools import detect, template_messages, template_tools
from sigmavault.ryzan.worker.sandbox import Sandbox, refuse

_RENDER_LIMIT_S = 10.0
_SIZE_LIMIT = 8 * 1024 * 1024
_BREAK = "\u200b"  # a space without width


class _TooSlowError(Exception):
    pass


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> NoReturn:
        raise _TooSlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _to_json(
    value: Any, indent: int | None = None, *, ensure_ascii: bool = False,
    separators: tuple[str, str] | None = None, sort_keys: bool = False,
) -> str:  # fmt: skip  # the arguments that templates know
    # not jinja's own filter: that one escapes for HTML
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


class _Generation(Extension):
    """`{% generation %}`, by which templates mark what the model says for training: it is just shown."""

    tags = {"generation"}  # noqa: RUF012  # jinja's way

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """What is between the tags."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Neutral:
    """Breaks up control tokens in what somebody said, so that they are read as text."""

    def __init__(self, controls: Iterable[str]) -> None:
        """Learn the spellings of the model's control tokens."""
        spellings = sorted((each for each in controls if len(each) > 1), key=len, reverse=True)
        self._found = re.compile("|".join(map(re.escape, spellings))) if spellings else None

    def text(self, text: str) -> str:
        """The same text without control tokens in it."""
        while self._found and self._found.search(text):
            text = self._found.sub(lambda match: match[0][0] + _BREAK + match[0][1:], text)
        return text

    def value(self, value: Any) -> Any:
        """A value of JSON without control tokens in any text of it."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.value(each) for key, each in value.items()}
            case list() | tuple():
                return [self.value(each) for each in value]
        return value


def without_controls(message: Message, neutral: Neutral) -> Message:
    """The message without control tokens, in whatever way it holds them.

    Raises:
        InvalidRequestError: the arguments of a call are no JSON.
    """
    calls = tuple(
        ToolCall(
            id=neutral.text(each.id),
            name=neutral.text(each.name),
            arguments=_neutral_json(each.arguments, neutral),
        )
        for each in message.tool_calls
    )
    return Message(
        role=message.role, content=neutral.text(message.content), tool_calls=calls,
        tool_call_id=neutral.text(message.tool_call_id),
    )  # fmt: skip


def _neutral_json(text: str, neutral: Neutral) -> str:
    try:  # not the text: JSON has more than one way to write a control token
        return json.dumps(neutral.value(json.loads(text or "{}")), ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            "the arguments of a past tool call are no JSON object", param="messages"
        ) from error


class ChatTemplate:
    """A compiled chat template."""

    def __init__(self, source: str, *, begin: str, end: str) -> None:
        """Compile it.

        Args:
            source: the text out of the model file.
            begin: text of the begin-of-text token.
            end: text of the end-of-text token.

        Raises:
            ModelRefusedError: it is not a template.
        """
        environment = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation])
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = refuse
        environment.globals["strftime_now"] = lambda form: datetime.datetime.now().astimezone().strftime(form)
        self._tokens = {"bos_token": begin, "eos_token": end}
        self._source, self._written = source, detect(source)
        try:
            with _time_limit(_RENDER_LIMIT_S):
                self._template = environment.from_string(source)
        except (TemplateError, _TooSlowError, RecursionError) as error:
            raise ModelRefusedError(f"the model's chat template is broken: {error}") from error

    def render(self, said: Conversation, neutral: Neutral) -> str:
        """The prompt that asks the model for the next turn.

        Raises:
            InvalidRequestError: the template does not accept this conversation.
        """
        try:
            safe = [without_controls(each, neutral) for each in said.messages]
            turns = template_messages(safe, self._source, self._written)
            tools = [
                {**each, "function": neutral.value(each["function"])} for each in template_tools(said.tools)
            ]
            with _time_limit(_RENDER_LIMIT_S):
                return self._render(messages=turns, tools=tools or None)
        except InvalidRequestError:
            raise
        except _TooSlowError as error:
            raise InvalidRequestError("the model's chat template does not come to an end") from error
        # A template is a program from outside and may fail in any way; each is its refusal.
        except Exception as error:
            raise InvalidRequestError(f"the model's chat template refuses this: {error}") from error

    def _render(self, **given: Any) -> str:
        parts: list[str] = []
        size = 0
        for part in self._template.generate(add_generation_prompt=True, **given, **self._tokens):
            size += len(part)
            if size > _SIZE_LIMIT:
                refuse("it writes too much")
            parts.append(part)
        return "".join(parts)
