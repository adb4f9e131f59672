"""A page on a terminal, by curses of Python's standard library: any terminal that terminfo knows."""

from __future__ import annotations

import contextlib
import curses
import locale
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sigmavault.cli.plain_text import plain
from sigmavault.setup.console.page import WIDTH, Key, Page

LEAST: Final = (15, 40)
"""Lines and columns below which nothing sensible can be shown."""
_ESCAPE_MS: Final = 50
_HELP: Final = "Tab, arrows: move  Space: choose  Ctrl-N: next page  Esc: back  Ctrl-C: leave"

_KEYS: Final[Mapping[int | str, Key]] = {
    "\t": Key.NEXT, curses.KEY_DOWN: Key.NEXT, curses.KEY_UP: Key.PREVIOUS, curses.KEY_BTAB: Key.PREVIOUS,
    "\n": Key.ENTER, "\r": Key.ENTER, curses.KEY_ENTER: Key.ENTER, "\x1b": Key.BACK,
    curses.KEY_BACKSPACE: Key.DELETE, "\x7f": Key.DELETE, "\b": Key.DELETE, "\x15": Key.CLEAR,
    curses.KEY_RESIZE: Key.RESIZE, "\x0e": Key.GO, curses.KEY_F10: Key.GO,
}  # fmt: skip


class Screen:
    """The whole terminal."""

    def __init__(self, window: Any) -> None:
        self._window = window
        self.banner = ""
        """What stands beside every title."""

    def show(self, page: Page, place: str) -> str:
        """Let a person work on a page; the word with which it is left.

        Args:
            page: what stands on it.
            place: where in the assistant it is: `2 of 9`.

        Raises:
            KeyboardInterrupt: Ctrl-C.
        """
        while True:
            self._draw(page, place)
            pressed = self._key()
            word = page.press(pressed) if isinstance(pressed, Key) else page.type(pressed) if pressed else ""
            if word:
                return word

    def tell(self, title: str, lines: Iterable[str], bar: float | None = None) -> None:
        """Show lines that nobody answers, the last ones where there is no room for all."""
        rows, columns = self._window.getmaxyx()
        self._frame(title, "", rows, columns)
        seen = list(lines)[-(rows - 5) :]
        for at, line in enumerate(seen):
            self._put(at + 2, 1, line, columns)
        if bar is not None:
            room = min(columns, WIDTH) - 10
            self._put(rows - 2, 1, f"[{'#' * int(bar * room):<{room}}] {bar:4.0%}", columns)
        self._window.refresh()

    def _draw(self, page: Page, place: str) -> None:
        rows, columns = self._window.getmaxyx()
        if (rows, columns) < LEAST:
            self._window.erase()
            self._put(0, 0, "This terminal is too small.", columns)
            self._window.refresh()
            return
        self._frame(page.title, place, rows, columns)
        lines, focus = page.draw(rows - 6, min(columns, WIDTH + 2) - 2)
        for at, line in enumerate(lines):
            self._put(at + 2, 1, line, columns, curses.A_REVERSE if at == focus else 0)
        self._put(rows - 3, 1, page.complaint, columns, curses.A_BOLD)
        self._put(rows - 1, 1, _HELP, columns)
        self._window.refresh()

    def _frame(self, title: str, place: str, rows: int, columns: int) -> None:
        # everything anew: a kernel's message on the console does not stay between the lines
        self._window.clear()
        width = min(columns, WIDTH + 2) - 2
        left = f"{title}   {self.banner}" if self.banner else title
        self._put(0, 1, f"{left}{place:>{max(1, width - len(left))}}", columns, curses.A_BOLD)
        self._put(1, 1, "-" * width, columns)

    def _put(self, row: int, column: int, text: str, columns: int, style: int = 0) -> None:
        # names of disks come from their firmware, sentences from other programs
        self._window.addstr(row, column, plain(text).replace("\n", " ")[: columns - column - 1], style)

    def _key(self) -> Key | str:
        """A key; empty for one without a meaning."""
        found = self._window.get_wch()
        if found == "\x03":
            raise KeyboardInterrupt
        if found in _KEYS:
            return _KEYS[found]
        return found if isinstance(found, str) and found.isprintable() else ""


def _speak_utf8() -> None:
    """Names of disks and people have letters of all kinds; a console's own service has no locale at all."""
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    if locale.nl_langinfo(locale.CODESET) != "UTF-8":
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


def with_screen[T](work: Callable[[Screen], T]) -> T:
    """Give the terminal to a function; it is as before when that ends, whatever way."""

    def begun(window: Any) -> T:
        curses.set_escdelay(_ESCAPE_MS)
        curses.use_default_colors()
        if curses.tigetstr("civis"):
            curses.curs_set(0)
        window.keypad(True)  # noqa: FBT003 - its only way
        return work(Screen(window))

    _speak_utf8()
    return curses.wrapper(begun)
