"""One page of the assistant: what stands on it, where the cursor is, what a key does. Pure.

A page is drawn as lines of text with one of them in focus; `screen.py` puts them onto a terminal. Only ASCII
is drawn by itself, so that a serial console without fonts shows the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

WIDTH: Final = 78
_INDENT: Final = "  "


class Key(StrEnum):
    """Keys with a meaning; everything else is a character that was typed."""

    NEXT = "next"
    """Tab, arrow down."""
    PREVIOUS = "previous"
    ENTER = "enter"
    BACK = "back"
    """Escape."""
    DELETE = "delete"
    CLEAR = "clear"
    """Ctrl-U."""
    GO = "go"
    """Ctrl-N, F10: the same as the button that goes on."""
    RESIZE = "resize"


@dataclass(kw_only=True)
class Item:
    """Something that stands on a page."""

    can_focus: bool = False

    def lines(self, width: int) -> Iterator[str]:
        """How it looks."""
        raise NotImplementedError

    def typed(self, text: str) -> None:
        """A character was typed while it has the focus."""

    def pressed(self, key: Key) -> None:
        """A key was pressed while it has the focus."""


@dataclass(kw_only=True)
class Text(Item):
    """A paragraph; empty for an empty line."""

    text: str
    indent: int = 0

    def lines(self, width: int) -> Iterator[str]:
        """Wrapped."""
        margin = " " * self.indent
        wrapped = textwrap.wrap(self.text, width, initial_indent=margin, subsequent_indent=margin)
        yield from wrapped or [""]


@dataclass(kw_only=True)
class Field(Item):
    """A line that is typed."""

    label: str
    value: str = ""
    is_secret: bool = False
    can_focus: bool = True

    def lines(self, width: int) -> Iterator[str]:
        """Label and value; of a secret only how long it is."""
        shown = "*" * len(self.value) if self.is_secret else self.value
        room = width - 24
        yield f"{self.label[:19]:<20}[{shown[-room + 2 :]:_<{min(room, 40)}}]"

    def typed(self, text: str) -> None:
        """It stands at the end."""
        if text.isprintable() and len(self.value) < 200:
            self.value += text

    def pressed(self, key: Key) -> None:
        """Take the last character away, or all."""
        if key is Key.DELETE:
            self.value = self.value[:-1]
        elif key is Key.CLEAR:
            self.value = ""


@dataclass(kw_only=True)
class Check(Item):
    """Something that is wanted or not."""

    label: str
    is_on: bool = False
    details: tuple[str, ...] = ()
    can_focus: bool = True

    def lines(self, width: int) -> Iterator[str]:
        """`[x]` and the label, wrapped; details below it."""
        yield from _marked(f"[{'x' if self.is_on else ' '}] ", self.label, width)
        for each in self.details:
            yield from textwrap.wrap(each, width, initial_indent=" " * 6, subsequent_indent=" " * 6)

    def typed(self, text: str) -> None:
        """Space changes it."""
        if text == " ":
            self.is_on = not self.is_on


class Group:
    """Choices of which one is taken."""

    def __init__(self, chosen: str) -> None:
        self.chosen = chosen


@dataclass(kw_only=True)
class Choice(Item):
    """One of several."""

    group: Group
    value: str
    label: str
    details: tuple[str, ...] = ()
    can_focus: bool = True

    def lines(self, width: int) -> Iterator[str]:
        """`(*)` and the label, wrapped; details below it."""
        mark = "*" if self.group.chosen == self.value else " "
        yield from _marked(f"({mark}) ", self.label, width)
        for each in self.details:
            yield from textwrap.wrap(each, width, initial_indent=" " * 6, subsequent_indent=" " * 6)

    def typed(self, text: str) -> None:
        """Space takes it."""
        if text == " ":
            self.group.chosen = self.value


@dataclass(kw_only=True)
class Button(Item):
    """Leaves the page with a word."""

    label: str
    word: str
    can_focus: bool = True

    def lines(self, width: int) -> Iterator[str]:
        """`< Next >`."""
        yield f"< {self.label} >"


def _marked(mark: str, text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(text, width, initial_indent=mark, subsequent_indent=" " * len(mark)) or [mark]


@dataclass(kw_only=True)
class Page:
    """A page.

    Attributes:
        title: at the top.
        items: from top to bottom; the last ones are buttons.
        check: what is wrong with what was entered, a sentence; empty when it may go on. Asked for `next`.
        focus: which item has the cursor; -1 for none.
        complaint: the sentence that is shown.
        can_go_back: whether Escape leaves to the page before.
    """

    title: str
    items: list[Item] = field(default_factory=list)
    check: Callable[[], str] = lambda: ""
    focus: int = -1
    complaint: str = ""
    can_go_back: bool = True

    def __post_init__(self) -> None:
        """The cursor begins on what can be answered first."""
        if self.focus < 0:
            self.focus = next((at for at, item in enumerate(self.items) if item.can_focus), -1)

    def press(self, key: Key) -> str:
        """A key; the word with which the page is left, empty while it stays."""
        item = self.items[self.focus] if self.focus >= 0 else None
        if key is Key.BACK and self.can_go_back:
            return "back"
        if key is Key.GO:
            onward = (each for each in self.items if isinstance(each, Button) and each.word == "next")
            return self._enter(next(onward, None))
        if key is Key.NEXT:
            self._move(1)
        elif key is Key.PREVIOUS:
            self._move(-1)
        elif key is Key.ENTER:
            return self._enter(item)
        elif item is not None:
            item.pressed(key)
        return ""

    def type(self, text: str) -> str:
        """A character; on a button, space presses it."""
        if self.focus < 0:
            return ""
        item = self.items[self.focus]
        if isinstance(item, Button) and text == " ":
            return self._enter(item)
        item.typed(text)
        self.complaint = ""
        return ""

    def draw(self, height: int, width: int = WIDTH) -> tuple[list[str], int]:
        """The lines that are seen, and which of them is the first of the focus; -1 for none.

        Args:
            height: lines that there are.
            width: columns that there are.
        """
        lines: list[str] = []
        first, last = -1, -1
        for at, item in enumerate(self.items):
            drawn = list(item.lines(width))
            if at == self.focus:
                first, last = len(lines), len(lines) + len(drawn) - 1
            lines += drawn
        top = max(0, min(last + 2 - height, len(lines) - height)) if first >= 0 else 0
        top = min(top, max(first - 1, 0))
        seen = lines[top : top + height]
        if top:
            seen[0] = f"{seen[0][: width - 8]:<{width - 8}}  (more)"
        if top + height < len(lines):
            seen[-1] = f"{seen[-1][: width - 8]:<{width - 8}}  (more)"
        return seen, first - top if first >= 0 else -1

    def _move(self, step: int) -> None:
        places = [at for at, item in enumerate(self.items) if item.can_focus]
        if places:
            self.focus = places[(places.index(self.focus) + step) % len(places)]

    def _enter(self, item: Item | None) -> str:
        """On a button its word; elsewhere on to the next thing, as people expect of forms."""
        if not isinstance(item, Button):
            self._move(1)
            return ""
        if item.word == "next":
            self.complaint = self.check()
            return "" if self.complaint else "next"
        return item.word
