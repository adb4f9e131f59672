"""Somebody who sits at the desktop: types, clicks, and sees what assistive technology is told.

Keys go through the compositor as those of a keyboard do. Clicks are AT-SPI's actions: under Wayland nobody
outside knows where on the screen a widget is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

from tests.desktop.session import Desktop, call, end, wait_for  # noqa: E402

_KEYS = """
(() => {{
  const Clutter = imports.gi.Clutter;
  const seat = Clutter.get_default_backend().get_default_seat();
  global.tester_keyboard ??= seat.create_virtual_device(Clutter.InputDeviceType.KEYBOARD_DEVICE);
  const now = () => imports.gi.GLib.get_monotonic_time();
  for (const value of {values}) {{
    global.tester_keyboard.notify_keyval(now(), value, Clutter.KeyState.PRESSED);
    global.tester_keyboard.notify_keyval(now(), value, Clutter.KeyState.RELEASED);
  }}
  return true;
}})()
"""
_WINDOW = "global.get_window_actors().map(a => a.meta_window).find(w => w.get_wm_class() === '{app}')"
_MOST_TABS = 60
_CONTROLS = frozenset({
    Atspi.Role.BUTTON, Atspi.Role.TOGGLE_BUTTON, Atspi.Role.CHECK_BOX, Atspi.Role.RADIO_BUTTON,
    Atspi.Role.COMBO_BOX, Atspi.Role.TEXT, Atspi.Role.ENTRY, Atspi.Role.PASSWORD_TEXT, Atspi.Role.SWITCH,
    Atspi.Role.PROGRESS_BAR,
})  # fmt: skip
_CLICKS = ("click", "toggle", "activate")
RETURN, TAB, SPACE, BACKSPACE = 0xFF0D, 0xFF09, 0x20, 0xFF08


class Seat:
    """One application's window, and the hands before it."""

    def __init__(self, desktop: Desktop, application: str) -> None:
        self.desktop = desktop
        self.application = application
        self._window = _WINDOW.format(app=application)

    # --- the window ---

    def wait_window(self) -> None:
        """Wait until the window has the keyboard."""
        wait_for("the window", lambda: self.desktop.eval(f"!!({self._window})?.has_focus()"))

    def resize(self, width: int, height: int) -> None:
        """Make the window so large, if it can be."""
        self.desktop.eval(f"{self._window}.move_resize_frame(true, 20, 50, {width}, {height})")
        self._settle()

    def size(self) -> tuple[int, int]:
        """Width and height of the window's frame."""
        found = self.desktop.eval(
            f"(() => {{ const r = {self._window}.get_frame_rect(); return [r.width, r.height]; }})()"
        )
        return int(found[0]), int(found[1])

    def close(self) -> None:
        """As its close button does."""
        self.desktop.eval(f"{self._window}.delete(global.get_current_time())")

    def kill(self) -> None:
        """End the program; the bus knows it no more when this returns."""
        end(self.desktop.session, self.application)

    def screenshot(self, file: Path) -> Path:
        """A picture of the window as the compositor has it."""
        self._settle()
        told = call(
            self.desktop.session, "org.gnome.Shell.Screenshot", "/org/gnome/Shell/Screenshot",
            "org.gnome.Shell.Screenshot.ScreenshotWindow",
            GLib.Variant("(bbbs)", (True, False, False, str(file))),
        ).unpack()  # fmt: skip
        assert told[0], "the window could not be pictured"
        return file

    def _settle(self) -> None:
        """Give window and compositor the time to paint: nobody tells when a picture is on the screen."""
        GLib.usleep(250_000)

    # --- keys ---

    def press(self, *values: int) -> None:
        """Press keys one after the other, by their X11 keysyms."""
        self.desktop.eval(_KEYS.format(values=json.dumps(values)))

    def type(self, text: str) -> None:
        """Type a text into whatever has the keyboard."""
        self.press(*(ord(each) for each in text))

    # --- widgets ---

    def root(self) -> Any:
        """The application, as assistive technology sees it; None when it is not there."""
        desktop = Atspi.get_desktop(0)
        for at in range(desktop.get_child_count()):
            each = desktop.get_child_at_index(at)
            if each is not None and any(_walk(each, limit=3)) and self._is_ours(each):
                return each
        return None

    def _is_ours(self, each: Any) -> bool:
        return any(one.get_role() == Atspi.Role.FRAME for one in _walk(each, limit=3)) and (
            each.get_name() != "gnome-shell"
        )

    def widgets(self) -> list[Any]:
        """All that is shown, in order."""
        root = self.root()
        if root is None:
            return []
        root.clear_cache()
        return [each for each in _walk(root) if is_showing(each)]

    def find(self, name: str, role: Any = None, timeout_s: float = 30) -> Any:
        """The one widget that is shown with a name (and a role); waits for it."""

        def found() -> Any:
            return next((each for each in self._named(name) if role in (None, each.get_role())), None)

        try:
            return wait_for(f"“{name}” to be shown", found, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {self.told()}") from None

    def find_part(self, text: str) -> Any:
        """The first widget that is shown and whose name or text has this in it; waits for it."""
        return wait_for(
            f"“{text}” to be shown",
            lambda: next((each for each in self.widgets() if text in (each.get_name() or "")), None),
        )

    def is_shown(self, name: str) -> bool:
        """Whether something of this name is shown right now."""
        return bool(self._named(name))

    def is_usable(self, name: str) -> bool:
        """Whether something of this name could be clicked right now."""
        return any(is_usable(each) and _action(each) is not None for each in self._named(name))

    def _named(self, name: str) -> list[Any]:
        """All of a name; none while the page is being changed, and what was seen is gone again."""
        try:
            return [each for each in self.widgets() if each.get_name() == name]
        except GLib.Error:
            return []

    def told(self) -> list[tuple[str, str]]:
        """Role and name of all that is shown and has a name."""
        return [(each.get_role_name(), each.get_name()) for each in self.widgets() if each.get_name()]

    def click(self, name: str) -> None:
        """Press a button, turn a switch, tick a box: the action of the first widget of that name with one."""

        def usable() -> Any:
            named = self._named(name)
            return next((each for each in named if is_usable(each) and _action(each) is not None), None)

        widget = wait_for(f"“{name}” to be usable", usable)
        assert widget.do_action(_action(widget)), f"“{name}” cannot be clicked"

    def go_to(self, name: str, role: Any = None) -> Any:
        """The widget of a name (and a role), which has the keyboard now: the Tab key leads there."""
        widget = self.find(name, role)
        for _ in range(_MOST_TABS):
            if has_state(widget, Atspi.StateType.FOCUSED):
                return widget
            self.press(TAB)
            GLib.usleep(30_000)
        raise AssertionError(f"the Tab key does not lead to “{name}”")

    def activate(self, name: str) -> None:
        """Tick a box, unfold or press a row: GTK 4.18 tells assistive technology of no action for them."""
        self.go_to(name)
        self.press(SPACE)

    def write(self, name: str, text: str) -> None:
        """Type over what stands in a row."""
        widget = self.go_to(name, Atspi.Role.TEXT)
        self.type(text)
        wait_for(f"“{name}” to hold what was typed", lambda: len(read(widget)) >= len(text))


def read(widget: Any) -> str:
    """The text in a row to type into; a password comes as dots."""
    widget.clear_cache()
    return str(Atspi.Text.get_text(widget, 0, -1))


def has_state(widget: Any, state: Any) -> bool:
    """Whether a widget is in a state now, not when it was seen first."""
    widget.clear_cache()
    return bool(widget.get_state_set().contains(state))


def is_usable(widget: Any) -> bool:
    """Whether it can be clicked and typed into."""
    return bool(widget.get_state_set().contains(Atspi.StateType.SENSITIVE))


def nameless(widgets: Iterable[Any]) -> list[str]:
    """Roles of what can be used and has no name to tell somebody who does not see it."""
    return [each.get_role_name() for each in widgets if each.get_role() in _CONTROLS and not each.get_name()]


def _action(widget: Any) -> int | None:
    """Which of a widget's actions is a click; None for one that cannot be clicked."""
    if widget.get_action_iface() is None:
        return None
    try:
        names = [Atspi.Action.get_action_name(widget, at) for at in range(widget.get_n_actions())]
    except GLib.Error:  # GTK tells of none while it cannot be used
        return None
    return next((at for at, name in enumerate(names) if name in _CLICKS), None)


def is_showing(widget: Any) -> bool:
    """Whether a person sees it."""
    return bool(widget.get_state_set().contains(Atspi.StateType.SHOWING))


def _walk(widget: Any, limit: int = 60) -> Iterator[Any]:
    if limit == 0:
        return
    try:
        yield widget
        children = [widget.get_child_at_index(at) for at in range(widget.get_child_count())]
    except GLib.Error:  # it is gone
        return
    for each in children:
        if each is not None:
            yield from _walk(each, limit - 1)
