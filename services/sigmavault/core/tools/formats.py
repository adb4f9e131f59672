"""How model families write tool calls."""

from __future__ import annotations

import re
from enum import StrEnum


class ToolFormat(StrEnum):
    """How a model writes the calls of tools."""

    HERMES = "hermes"
    """`<tool_call>{"name": …, "arguments": …}</tool_call>`: Qwen 2.5 and 3, Granite 4, SmolLM3, Hermes."""
    MISTRAL = "mistral"
    """`[TOOL_CALLS][{"name": …, "arguments": …}]`: Mistral up to Nemo."""
    MISTRAL_ARGS = "mistral-args"
    """`[TOOL_CALLS]name[ARGS]{…}`: Mistral Small 3.2, Devstral, Ministral 3."""
    PYTHONIC = "pythonic"
    """`<|tool_call_start|>[name(key="value")]<|tool_call_end|>`: LFM2."""
    LLAMA3 = "llama3"
    """`{"name": …, "parameters": …}` and nothing else: Llama 3.1 to 3.3."""
    GENERIC = "generic"
    """The template knows no tools, or a way that is not known here: the tools are told in the system message,
    calls are written as by HERMES."""


MARKERS: dict[ToolFormat, tuple[str, str]] = {
    ToolFormat.HERMES: ("<tool_call>", "</tool_call>"),
    ToolFormat.MISTRAL: ("[TOOL_CALLS]", ""),
    ToolFormat.MISTRAL_ARGS: ("[TOOL_CALLS]", ""),
    ToolFormat.PYTHONIC: ("<|tool_call_start|>", "<|tool_call_end|>"),
    ToolFormat.LLAMA3: ("<|python_tag|>", ""),
    ToolFormat.GENERIC: ("<tool_call>", "</tool_call>"),
}
"""Texts around a call. Many are control tokens: whoever turns tokens into text for the parser keeps them."""

_OTHER_WAYS = ("<function=", "arg_key", "<tool_calls>")
_READS_TOOLS = re.compile(r"\b(?:if|in|or|and|not|set)\s+tools\b")


def detect(template: str) -> ToolFormat:
    """The format that a chat template tells its model to use."""
    if "[TOOL_CALLS]" in template:
        return ToolFormat.MISTRAL_ARGS if "[ARGS]" in template else ToolFormat.MISTRAL
    if "<|tool_call_start|>" in template or "List of tools: " in template:
        return ToolFormat.PYTHONIC
    if not _READS_TOOLS.search(template):
        return ToolFormat.GENERIC
    if "<tool_call>" in template and '"arguments' in template.replace("\\", ""):
        other = any(each in template for each in _OTHER_WAYS)
        return ToolFormat.GENERIC if other else ToolFormat.HERMES
    if '{"name": function name, "parameters"' in template:
        return ToolFormat.LLAMA3
    return ToolFormat.GENERIC
