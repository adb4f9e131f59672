"""Who answers a request for the model `auto`: its kind, by cheap features, then the first available model.

Everything is decided by form: keywords, code fences, lengths, whether tools are there. A text that asks to
be sent to some model changes nothing: no name of a model is looked for in it. Reasons never quote it.
"""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """The kinds of requests."""

    TOOLS = "tools"
    LONG_CONTEXT = "long-context"
    CODE = "code"
    EXTRACTION = "extraction"
    SUMMARY = "summary"
    COMMAND = "command"
    QUESTION = "question"
    EMBEDDING = "embedding"
    CHAT = "chat"
    """None of the others."""
