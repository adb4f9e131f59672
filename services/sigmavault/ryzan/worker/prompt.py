"""From a conversation to tokens: the model's own chat template, in a sandbox.

Template and messages are both untrusted. A template out of a model file runs in jinja2's immutable
sandbox, with limits on time and size. A message cannot speak as somebody else: what would be read as
a control token in it is broken up first.
"""

from __future__ import annotations

import datetime
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sigmavault.core.chat import Message
from sigmavault.core.errors import InvalidRequestError, ModelRefusedError

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


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None) -> str:
    # not jinja's own filter: that one escapes for HTML
    return json.dumps(value, ensure_ascii=False, indent=indent)


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
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda form: datetime.datetime.now().astimezone().strftime(form)
        self._tokens = {"bos_token": begin, "eos_token": end}
        try:
            with _time_limit(_RENDER_LIMIT_S):
                self._template = environment.from_string(source)
        except (TemplateError, _TooSlowError, RecursionError) as error:
            raise ModelRefusedError(f"the model's chat template is broken: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt that asks the model for the next turn.

        Raises:
            InvalidRequestError: the template does not accept this conversation.
        """
        turns = [{"role": each.role.value, "content": each.content} for each in messages]
        try:
            with _time_limit(_RENDER_LIMIT_S):
                return self._render(turns)
        except _TooSlowError as error:
            raise InvalidRequestError("the model's chat template does not come to an end") from error
        # A template is a program from outside and may fail in any way; each is its refusal.
        except Exception as error:
            raise InvalidRequestError(f"the model's chat template refuses this: {error}") from error

    def _render(self, turns: list[dict[str, str]]) -> str:
        parts: list[str] = []
        size = 0
        for part in self._template.generate(messages=turns, add_generation_prompt=True, **self._tokens):
            size += len(part)
            if size > _SIZE_LIMIT:
                _refuse("it writes too much")
            parts.append(part)
        return "".join(parts)


def neutral(text: str, controls: Callable[[str], Sequence[str]]) -> str:
    """The same text with every control token in it broken up, so that it is read as text.

    Args:
        text: what somebody said.
        controls: finds the spellings of control tokens in a text.
    """
    for each in controls(text):
        if len(each) > 1:
            text = text.replace(each, each[0] + _BREAK + each[1:])
    return text
