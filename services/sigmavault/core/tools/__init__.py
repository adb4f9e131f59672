"""Tool calls: how a model is told of tools, what it may write, and how its answer is read."""

from sigmavault.core.tools.formats import ToolFormat, detect
from sigmavault.core.tools.grammar import MAX_CALLS, allowed_tools, call_grammar
from sigmavault.core.tools.parser import (
    CallArguments,
    CallBegin,
    CallEnd,
    CallEvent,
    CallParser,
    LeadingCallParser,
    TextPart,
)
from sigmavault.core.tools.prompt import (
    conversation,
    instructions,
    template_messages,
    template_tools,
    to_plain,
)

__all__ = [
    "MAX_CALLS",
    "CallArguments",
    "CallBegin",
    "CallEnd",
    "CallEvent",
    "CallParser",
    "LeadingCallParser",
    "TextPart",
    "ToolFormat",
    "allowed_tools",
    "call_grammar",
    "conversation",
    "detect",
    "instructions",
    "template_messages",
    "template_tools",
    "to_plain",
]
