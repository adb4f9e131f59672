"""From what a caller gives to the tokens that a model reads."""

from __future__ import annotations

import hashlib

from sigmavault.core.chat import Conversation, Prompt, Text, Tokens
from sigmavault.core.errors import ContextTooLongError, InvalidRequestError
from sigmavault.core.tools import detect
from sigmavault.ryzan.worker.llama import Llama
from sigmavault.ryzan.worker.prompt import ChatTemplate, Neutral

_BYTES_PER_TOKEN = 256
"""No vocabulary has longer tokens in number: a text of more bytes than this times the context is refused
before it is tokenised."""


class Reader:
    """Reads prompts for one model."""

    def __init__(self, llama: Llama, context_tokens: int) -> None:
        """Compile the model's chat template, if it has one.

        Raises:
            ModelRefusedError: it is broken.
        """
        self._llama = llama
        self._limit = context_tokens * _BYTES_PER_TOKEN
        self._begin = llama.begin_text()
        self._adds_begin = llama.adds_begin
        self.template_source = llama.template
        self._template = (
            ChatTemplate(self.template_source, begin=self._begin, end=llama.end_text())
            if self.template_source
            else None
        )
        self._neutral: Neutral | None = None

    @property
    def template_sha256(self) -> str:
        """Of the chat template; empty without one."""
        return hashlib.sha256(self.template_source.encode()).hexdigest() if self.template_source else ""

    @property
    def tool_format(self) -> str:
        """How the chat template writes tool calls; empty without a template."""
        return detect(self.template_source).value if self.template_source else ""

    def read(self, prompt: Prompt) -> list[int]:
        """The tokens of a prompt.

        Raises:
            ContextTooLongError: it can never fit.
            InvalidRequestError: the model cannot be asked like this.
        """
        match prompt:
            case Conversation():
                return self._converse(prompt)
            case Text():
                return self._tokenize(prompt.text, special=False)
            case Tokens():
                return self._check(prompt.tokens)

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        if len(text) > self._limit:
            raise ContextTooLongError(f"a text of {len(text)} characters does not fit", param="prompt")
        return self._llama.tokenize(text, begin=True, special=special)

    def _check(self, tokens: tuple[int, ...]) -> list[int]:
        for token in tokens:
            if not 0 <= token < self._llama.vocabulary:
                raise InvalidRequestError(f"the model has no token {token}", param="prompt")
        return list(tokens)

    def _converse(self, prompt: Conversation) -> list[int]:
        if self._template is None:
            raise InvalidRequestError(
                "the model has no chat template: it continues texts, it cannot converse", param="messages"
            )
        if self._neutral is None:
            self._neutral = Neutral(self._llama.controls())
        text = self._template.render(prompt, self._neutral)
        if self._adds_begin and self._begin:
            text = text.removeprefix(self._begin)  # the tokenizer puts it there: once is enough
        return self._tokenize(text, special=True)
