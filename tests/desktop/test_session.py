"""The session itself: what other tests rest on."""

from __future__ import annotations

import os
from pathlib import Path

from gi.repository import GLib

from tests.desktop.session import Desktop, call


def test_the_shell_is_gnome_48_and_nobody_special(desktop: Desktop) -> None:
    told = call(
        desktop.session, "org.gnome.Shell", "/org/gnome/Shell", "org.freedesktop.DBus.Properties.Get",
        GLib.Variant("(ss)", ("org.gnome.Shell", "ShellVersion")),
    ).unpack()  # fmt: skip
    assert told[0].startswith("48.")
    assert os.geteuid() != 0


def test_the_screen_can_be_pictured(desktop: Desktop, pictures: Path) -> None:
    file = pictures / "screen.png"
    told = call(
        desktop.session, "org.gnome.Shell.Screenshot", "/org/gnome/Shell/Screenshot",
        "org.gnome.Shell.Screenshot.Screenshot", GLib.Variant("(bbs)", (False, False, str(file))),
    ).unpack()  # fmt: skip
    assert told[0]
    assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
