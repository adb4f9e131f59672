"""What `POST /v1/completions` accepts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sigmavault.core.chat import Text, Tokens
from sigmavault.core.wish import Caller, Wish
from sigmavault.ryzan.http import prompts
from sigmavault.ryzan.http.body import TOKENS_LIMIT, WHOLE, Sampled, Strict, refuse

PROMPTS_LIMIT = 16
_ALL_CHOICES_LIMIT = 32
_MAX_TOKENS = 16  # OpenAI's default on this route

_Prompts = Annotated[
    tuple[Text | Tokens, ...],
    BeforeValidator(prompts.reader(most=PROMPTS_LIMIT, allow_empty=True)),
    WithJsonSchema(prompts.schema(most=PROMPTS_LIMIT, least_length=0)),
]


class Unsupported(Strict):
    """OpenAI's parameters that there is nothing for here: only values that ask for nothing are accepted."""

    echo: Literal[False] | None = None
    suffix: Literal[""] | None = None


UNSUPPORTED = frozenset(Unsupported.model_fields)


class CompletionBody(Sampled, Unsupported):
    """The body of a request for legacy completions."""

    prompt: _Prompts
    best_of: Annotated[int, Field(ge=1, le=8), WHOLE] | None = None
    """Only as many as are given back."""
    logprobs: Annotated[int, Field(ge=0, le=5), WHOLE] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=TOKENS_LIMIT), WHOLE] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.best_of not in (None, self.n or 1):
            refuse("best_of", "best_of other than n is not supported")
        if len(self.prompt) * (self.n or 1) > _ALL_CHOICES_LIMIT:
            refuse("n", f"prompts times n are more than {_ALL_CHOICES_LIMIT} choices")
        return self

    def wishes(self, caller: Caller) -> tuple[Wish, ...]:
        """One for each prompt, in the service's words."""
        common = self.common()
        tokens = _MAX_TOKENS if self.max_tokens is None else self.max_tokens
        return tuple(
            Wish(prompt=each, max_tokens=tokens, top_logprobs=self.logprobs, caller=caller, **common)
            for each in self.prompt
        )
