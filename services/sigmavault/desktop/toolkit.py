"""GTK 4 and libadwaita in the versions that this is written for: `gi` is told before the first import."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "4.0")
gi.require_version("Adw", "1")
from gi.repository import Adw as Adw  # noqa: E402
from gi.repository import Gio as Gio  # noqa: E402
from gi.repository import GLib as GLib  # noqa: E402
from gi.repository import Gtk as Gtk  # noqa: E402
from gi.repository import Pango as Pango  # noqa: E402
