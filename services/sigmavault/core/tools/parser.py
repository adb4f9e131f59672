"""Tells calls from text while an answer comes in parts.

What is no well-formed call of a known tool is text: nothing that a model writes is an error. A call is told
when it is whole and was read as JSON; until then its text is held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sigmavault.core.tools.formats import MARKERS, ToolFormat
from sigmavault.core.tools.grammar import MAX_CALLS
from sigmavault.core.tools.syntax import Balance, Call, MalformedError, read_calls, read_pythonic

MAX_CALL_LENGTH = 65536
"""Characters; what is longer is text."""

_MAX_SPOILED = 4 * MAX_CALL_LENGTH
"""Text behind markers that was read in vain; then the rest of the answer is text."""

_ARGS_HEAD = re.compile(r"\s*([A-Za-z0-9_.-]{1,64})(?:\[CALL_ID\][A-Za-z0-9_-]{0,64})?\[ARGS\]\s*(?=\{)")
_HEAD_LENGTH = 200
_BARE_NAME = re.compile(r'\{(?:"type":"function",)?"name":"([^"]*)"')
_BARE_BEGINS = ('{"name":"', '{"type":"function","name":"')


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text of the answer; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegin:
    """A call begins; they are counted from 0."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The next part of a call's arguments, JSON text."""

    index: int
    delta: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """A call is whole."""

    index: int


type CallEvent = TextPart | CallBegin | CallArguments | CallEnd


class CallParser:
    """Reads one answer: `feed` each part of it, then `end`."""

    def __init__(self, written: ToolFormat, tools: Iterable[str], *, most: int = MAX_CALLS) -> None:
        """Begin an answer.

        Args:
            written: how the model writes calls.
            tools: names that may be called.
            most: calls; further ones are text.
        """
        self._format = written
        self._tools = frozenset(tools)
        self._most = most
        self._begin, self._close = MARKERS[written]
        self._held = ""
        self._body: _Body | None = None
        self._count = 0
        self._spoiled = 0
        self._quiet = True  # neither text yet, nor any since the last call
        self.is_call_lost = False
        """Whether the answer was cut off within a call that is not told, because others were before it."""

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self._count

    def feed(self, text: str) -> list[CallEvent]:
        """What a further part of the answer brings."""
        self._held += text
        return self._read(last=False)

    def end(self, *, is_cut: bool = False) -> list[CallEvent]:
        """What is left when the answer is over.

        Args:
            is_cut: it came to its limit: the beginning of a further call is no text then.
        """
        if is_cut and self._begins_another():
            self.is_call_lost = True
            self._body, self._held = None, ""
        events = self._read(last=True)
        while self._body:
            events += [*self._spoil(self._body), *self._read(last=True)]
        if self._held and not (self._quiet and self._count and self._is_rest(self._held)):
            events += self._text(self._held)
        self._held = ""
        return _joined(events)

    def _begins_another(self) -> bool:
        if not (self._count and self._quiet):
            return False
        held = self._held.strip()
        return self._body is not None or bool(held and self._begin.startswith(held))

    def _is_rest(self, text: str) -> bool:
        return not text.strip() or self._close.startswith(text.strip())

    def _read(self, *, last: bool) -> list[CallEvent]:
        events: list[CallEvent] = []
        while True:
            if self._body:
                if (found := self._read_body(self._body)) is None:
                    return _joined(events)
                events += found
                continue
            if self._quiet:
                self._skip_close()
            before, opened = self._find_begin(last=last)
            if before:
                events += self._text(before)
            if not opened:
                return _joined(events)

    def _skip_close(self) -> None:
        """Drop what belongs to the call before: its closing marker."""
        rest = self._held.lstrip()
        if self._count and self._close and rest.startswith(self._close):
            self._held = rest[len(self._close) :]
        elif self._count and self._format is ToolFormat.LLAMA3:
            self._held = self._held.lstrip("; \n\t")

    def _find_begin(self, *, last: bool) -> tuple[str, bool]:
        """The text before a call, and whether one begins; takes both off what is held."""
        if self._spoiled > _MAX_SPOILED:
            before, self._held = self._held, ""
            return before, False
        at = self._held.find(self._begin)
        if self._format is ToolFormat.LLAMA3 and self._quiet and self._held.lstrip()[:1] == "{":
            at, marker = self._held.index("{"), ""
        else:
            marker = self._begin
        if at >= 0:
            before, self._held = self._held[:at], self._held[at + len(marker) :]
            space = before if self._quiet and not before.strip() else ""
            self._body = _Body(self._format, marker, space, self._tools)
            return ("", True) if self._body.space == before else (before, True)
        keep = 0 if last else self._could_begin()
        before = self._held[: len(self._held) - keep]
        if self._quiet and (not before.strip() or (self._count and self._is_rest(self._held))):
            return "", False
        self._held = self._held[len(before) :]
        return before, False

    def _could_begin(self) -> int:
        """How many characters at the end of what is held may begin a marker."""
        for size in range(min(len(self._held), len(self._begin) - 1), 0, -1):
            if self._begin.startswith(self._held[-size:]):
                return size
        return 0

    def _read_body(self, body: _Body) -> list[CallEvent] | None:
        """What the text behind a marker brings; None while more must come."""
        body.text += self._held
        self._held = ""
        try:
            calls = body.read()
        except MalformedError:
            return self._spoil(body)
        if calls is None:
            return None if len(body.text) <= MAX_CALL_LENGTH else self._spoil(body)
        if self._count + len(calls) > self._most or any(each.name not in self._tools for each in calls):
            return self._spoil(body)
        self._held, self._body, self._quiet = body.text[body.size :], None, True
        return [event for each in calls for event in self._told(each)]

    def _told(self, call: Call) -> list[CallEvent]:
        index = self._count
        self._count += 1
        return [CallBegin(index, call.name), CallArguments(index, call.arguments), CallEnd(index)]

    def _spoil(self, body: _Body) -> list[CallEvent]:
        """It was no call after all: its beginning is text, the rest is read again."""
        self._body = None
        self._spoiled += len(body.text)
        self._held = body.text + self._held
        begin, size = body.space + body.marker, 0
        if not body.marker:
            begin, size = body.space + self._held[:1], 1
        self._held = self._held[size:]
        return self._text(begin)

    def _text(self, text: str) -> list[CallEvent]:
        self._quiet = False
        return [TextPart(text)]


class LeadingCallParser:
    """Reads an answer that is calls from its beginning on, or calls nothing: then all of it is text.

    For answers that have another form unless they call: a marker within that is data.
    """

    def __init__(self, written: ToolFormat, tools: Iterable[str], *, most: int = MAX_CALLS) -> None:
        """Begin an answer; see `CallParser`."""
        self._parser = CallParser(written, tools, most=most)
        self._begin = MARKERS[written][0]
        self._head = ""
        self._is_call: bool | None = None

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self._parser.calls

    @property
    def is_call_lost(self) -> bool:
        """See `CallParser`."""
        return self._parser.is_call_lost

    def feed(self, text: str) -> list[CallEvent]:
        """What a further part of the answer brings."""
        if self._is_call is None:
            self._head += text
            begin = self._head.lstrip()
            if self._begin.startswith(begin) and begin != self._begin:
                return []
            self._is_call = begin.startswith(self._begin)
            text, self._head = self._head, ""
        if self._is_call:
            return self._parser.feed(text)
        return [TextPart(text)] if text else []

    def end(self, *, is_cut: bool = False) -> list[CallEvent]:
        """See `CallParser`."""
        if self._is_call:
            return self._parser.end(is_cut=is_cut)
        return [TextPart(self._head)] if self._head else []


class _Body:
    """What follows a marker, until it is a whole call.

    Attributes:
        marker: that it follows.
        space: white space before the marker that was not told as text.
        text: what came so far.
        size: length of the call within it, once it is whole.
    """

    def __init__(self, written: ToolFormat, marker: str, space: str, tools: frozenset[str]) -> None:
        self.marker, self.space, self.text, self.size = marker, space, "", 0
        self._format = written
        self._tools = tools
        self._name = ""
        self._start: int | None = None
        self._balance = Balance("\"'" if written is ToolFormat.PYTHONIC else '"')

    def read(self) -> list[Call] | None:
        """The calls, once they are whole.

        Raises:
            MalformedError: they are none.
        """
        if self._start is None:
            self._start = self._find_start()
            if self._start is None:
                return None
            self._balance.at = self._start
        if self._format is ToolFormat.LLAMA3:
            self._check_bare()
        end = self._balance.find_end(self.text)
        if end is None:
            return None
        self.size = end
        text = self.text[self._start : end]
        if self._name:
            return read_calls(f'{{"name": "{self._name}", "arguments": {text}}}')
        return (read_pythonic if self._format is ToolFormat.PYTHONIC else read_calls)(text)

    def _find_start(self) -> int | None:
        """Where the brackets begin; None while that is not known."""
        bare = self.text.lstrip()
        wanted = {ToolFormat.PYTHONIC: "[", ToolFormat.LLAMA3: "{"}
        if bare and bare[0] in wanted.get(self._format, "[{"):
            return len(self.text) - len(bare)
        if self._format not in (ToolFormat.MISTRAL, ToolFormat.MISTRAL_ARGS):
            if bare or len(self.text) > _HEAD_LENGTH:
                raise MalformedError
            return None
        if head := _ARGS_HEAD.match(self.text):
            self._name = head[1]
            return head.end()
        if len(self.text) > _HEAD_LENGTH:
            raise MalformedError
        return None

    def _check_bare(self) -> None:
        """An answer of JSON that is no call must not be held back to its end."""
        begin = re.sub(r"\s", "", self.text[:_HEAD_LENGTH])
        if not any(begin[: len(each)] == each[: len(begin)] for each in _BARE_BEGINS):
            raise MalformedError
        if (name := _BARE_NAME.match(begin)) and name[1] not in self._tools:
            raise MalformedError


def _joined(events: list[CallEvent]) -> list[CallEvent]:
    """Neighbouring texts as one."""
    joined: list[CallEvent] = []
    for event in events:
        if isinstance(event, TextPart) and joined and isinstance(joined[-1], TextPart):
            joined[-1] = TextPart(joined[-1].text + event.text)
        else:
            joined.append(event)
    return joined
