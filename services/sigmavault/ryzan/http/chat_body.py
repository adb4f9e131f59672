"""What `POST /v1/chat/completions` accepts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sigmavault.core.chat import Tool
from sigmavault.core.wish import Caller, JsonFormat, ToolChoice, ToolMode, Wish
from sigmavault.ryzan.http.body import TOKENS_LIMIT, WHOLE, Sampled, Strict, refuse
from sigmavault.ryzan.http.messages import ChatMessage, check_turns

_Name = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]


class Function(Strict):
    """A function that the model may ask to be called."""

    name: _Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """JSON schema of the arguments; none: it takes none."""
    strict: bool | None = None
    """Arguments always satisfy the schema."""


class FunctionTool(Strict):
    """The one kind of tool there is."""

    type: Literal["function"]
    function: Function

    def tool(self) -> Tool:
        """The tool in the service's words."""
        told = self.function
        return Tool(name=told.name, description=told.description or "", parameters=told.parameters or {})


class FunctionName(Strict):
    """Which function."""

    name: _Name


class NamedChoice(Strict):
    """The tool that must be called."""

    type: Literal["function"]
    function: FunctionName


class TextFormat(Strict):
    """Free text."""

    type: Literal["text"]


class ObjectFormat(Strict):
    """Any JSON object."""

    type: Literal["json_object"]


class Schema(Strict):
    """A named JSON schema."""

    name: _Name
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class SchemaFormat(Strict):
    """JSON that satisfies a schema."""

    type: Literal["json_schema"]
    json_schema: Schema


def _kind_of_choice(value: Any) -> str:
    return "mode" if isinstance(value, str) else "named"


_Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("mode")] | Annotated[NamedChoice, Tag("named")],
    Discriminator(_kind_of_choice),
]
_Format = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]
_NoItems = Annotated[list[Any], Field(max_length=0)]


class Unsupported(Strict):
    """OpenAI's parameters that there is nothing for here: only values that ask for nothing are accepted."""

    audio: None = None
    function_call: Literal["none"] | None = None
    functions: _NoItems | None = None
    modalities: list[Literal["text"]] | None = None
    prediction: None = None
    reasoning_effort: None = None
    service_tier: Literal["auto", "default"] | None = None
    store: Literal[False] | None = None
    verbosity: None = None
    web_search_options: None = None


UNSUPPORTED = frozenset(Unsupported.model_fields)


class ChatBody(Sampled, Unsupported):
    """The body of a chat request."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=4096)]
    max_tokens: Annotated[int, Field(ge=1, le=TOKENS_LIMIT), WHOLE] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=TOKENS_LIMIT), WHOLE] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), WHOLE] | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=128)] | None = None
    tool_choice: _Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None
    # These tell the provider about the caller; there is nothing to do for them.
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_turns(self.messages)
        self._check_tools()
        if self.top_logprobs and not self.logprobs:
            refuse("top_logprobs", "top_logprobs needs logprobs to be true")
        if self.grammar and (self.tools or self._format() is not None):
            refuse("grammar", "a grammar cannot be had together with tools or a response_format")
        return self

    def _check_tools(self) -> None:
        names = [each.function.name for each in self.tools or ()]
        if twice := next((each for each in names if names.count(each) > 1), None):
            refuse("tools", f"two tools are called {twice}")
        if isinstance(self.tool_choice, NamedChoice) and self.tool_choice.function.name not in names:
            refuse("tool_choice", f"no tool is called {self.tool_choice.function.name}")
        if self.tool_choice == "required" and not names:
            refuse("tool_choice", "a tool is required and there are none")

    def _choice(self) -> ToolChoice:
        if isinstance(self.tool_choice, NamedChoice):
            return ToolChoice(mode=ToolMode.NAMED, name=self.tool_choice.function.name)
        return ToolChoice(mode=ToolMode(self.tool_choice or "auto"))

    def _format(self) -> JsonFormat | None:
        match self.response_format:
            case ObjectFormat():
                return JsonFormat()
            case SchemaFormat(json_schema=told):
                return JsonFormat(schema=told.schema_, name=told.name, strict=bool(told.strict))
        return None

    def wish(self, caller: Caller) -> Wish:
        """The request in the service's words."""
        return Wish(
            prompt=tuple(each.message() for each in self.messages),
            max_tokens=self.max_completion_tokens or self.max_tokens,
            tools=tuple(each.tool() for each in self.tools or ()),
            tool_choice=self._choice() if self.tools else ToolChoice(),
            parallel_tool_calls=self.parallel_tool_calls is not False,
            response_format=self._format(),
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            caller=caller,
            **self.common(),
        )
