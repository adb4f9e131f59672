"""A GNOME session without a screen: its buses, what stands in for logind and its like, and the shell itself.

Everything is a process of its own and ends with the context; nothing of the machine that runs it is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

from gi.repository import Gio, GLib

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
DATA = SERVICES / "data"
_START_S = 90.0
_STOP_S = 10.0
_LOOK_S = 0.05
_LEAST_LOOKS = 60
_ANSWER_MS = 600_000
_TEMPLATES = ("logind", "upower", "polkitd")

_SYSTEM_BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>{kind}</type>
  <listen>unix:path={folder}/{kind}-bus</listen>
  {services}
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_type="*"/> <allow receive_type="*"/>
    <allow send_destination="*"/> <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""

_SETTINGS = """\
[org/gnome/shell]
welcome-dialog-last-shown-version='999'

[org/gnome/desktop/interface]
enable-animations=false
color-scheme='{scheme}'
"""


def wait_for(what: str, condition: Callable[[], Any], timeout_s: float = 30) -> Any:
    """What `condition` says once it says something; a failure with `what` when it does not in time.

    It also looks so many times: a machine that stood still meanwhile makes no test fail.
    """
    end, looks = time.monotonic() + timeout_s, 0
    while not (found := condition()):
        looks += 1
        if looks > _LEAST_LOOKS and time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what}")
        time.sleep(_LOOK_S)
    return found


class Desktop:
    """A running session; a context manager.

    Attributes:
        env: environment of programs in the session.
        folder: everything it writes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in ("runtime", "home", "config/glib-2.0/settings", "logs", "system-services"):
            (folder / name).mkdir(parents=True, mode=0o700)
        self.env = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": f"{folder}/home",
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_RUNTIME_DIR": f"{folder}/runtime", "XDG_CONFIG_HOME": f"{folder}/config",
            "XDG_DATA_DIRS": f"{DATA}/usr/share:/usr/share", "XDG_CURRENT_DESKTOP": "GNOME",
            "XDG_SESSION_TYPE": "wayland", "GSETTINGS_BACKEND": "keyfile",
            "ADW_DISABLE_PORTAL": "1",  # there is none: light or dark comes from the settings themselves
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/system-bus",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/session-bus",
        }  # fmt: skip

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
                continue
            process.kill()
            process.wait()

    def _start(self) -> None:
        self.set_scheme("default")
        self._bus("system", f"<servicedir>{self.folder}/system-services</servicedir>")
        self._bus("session", "<standard_session_servicedirs/>")
        for template in _TEMPLATES:
            argv = ["python3", "-m", "dbusmock", "--system", "--template", template]
            self.run(template, argv)
        os.environ |= {name: value for name, value in self.env.items() if name.startswith(("DBUS_", "XDG_"))}
        self.system = _connect(self.env["DBUS_SYSTEM_BUS_ADDRESS"])
        self.session = _connect(self.env["DBUS_SESSION_BUS_ADDRESS"])
        for name in ("org.freedesktop.login1", "org.freedesktop.UPower", "org.freedesktop.PolicyKit1"):
            wait_for(name, partial(has_owner, self.system, name), _START_S)
        # as a parameter of the template it is ignored (python-dbusmock 0.34)
        call(self.system, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
             "org.freedesktop.DBus.Mock.AllowUnknown", GLib.Variant("(b)", (True,)))  # fmt: skip
        self.run("gnome-shell", ["gnome-shell", "--headless", "--virtual-monitor", "1280x900",
                                 "--unsafe-mode", "--wayland", "--no-x11"])  # fmt: skip
        self.env["WAYLAND_DISPLAY"] = "wayland-0"
        wait_for("the shell", self._is_up, _START_S)
        # its own place of the bus has none of this in the environment of what it activates
        update = [f"{name}={self.env[name]}" for name in ("WAYLAND_DISPLAY",)]
        call(self.session, "org.freedesktop.DBus", "/org/freedesktop/DBus",
             "org.freedesktop.DBus.UpdateActivationEnvironment",
             GLib.Variant("(a{ss})", (dict(each.split("=", 1) for each in update),)))  # fmt: skip
        self.eval("Main.overview.hide()")

    def _bus(self, kind: str, services: str) -> None:
        config = self.folder / f"{kind}.conf"
        config.write_text(_SYSTEM_BUS.format(kind=kind, folder=self.folder, services=services))
        self.run(f"{kind}-bus", ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"])
        wait_for(f"the {kind} bus", (self.folder / f"{kind}-bus").exists)

    def _is_up(self) -> bool:
        alive = all(process.poll() is None for process in self._processes)
        assert alive, f"something ended: {self.logs()}"
        if not has_owner(self.session, "org.gnome.Shell"):
            return False
        with contextlib.suppress(GLib.Error, AssertionError):
            return self.eval("Main.layoutManager._startingUp") is False
        return False

    def run(self, name: str, argv: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a program of the session; its output is the log of this name."""
        with (self.folder / f"logs/{name}").open("ab") as log:
            process = subprocess.Popen(argv, env={**self.env, **(env or {})}, stdout=log, stderr=log, cwd="/")
        self._processes.append(process)
        return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """A program that `run` has started has ended, as it should."""
        self._processes.remove(process)

    def logs(self) -> str:
        """The last lines of all that runs."""
        files = sorted((self.folder / "logs").iterdir())
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def set_scheme(self, scheme: str) -> None:
        """`default` (light) or `prefer-dark`, for whatever runs and whatever starts."""
        file = self.folder / "config/glib-2.0/settings/keyfile"
        file.write_text(_SETTINGS.format(scheme=scheme))

    def eval(self, script: str) -> Any:
        """What an expression is inside the shell.

        Raises:
            AssertionError: the shell could not evaluate it.
        """
        is_ok, told = call(
            self.session, "org.gnome.Shell", "/org/gnome/Shell", "org.gnome.Shell.Eval",
            GLib.Variant("(s)", (script,)),
        ).unpack()  # fmt: skip
        assert is_ok, f"{script}: {told}"
        return json.loads(told) if told else None


def _connect(address: str) -> Gio.DBusConnection:
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)


def call(
    connection: Gio.DBusConnection, name: str, path: str, member: str, arguments: GLib.Variant | None = None
) -> GLib.Variant:
    """Call a method, `interface.Member`, and wait for its answer."""
    interface, _, method = member.rpartition(".")
    return connection.call_sync(name, path, interface, method, arguments, None, 0, _ANSWER_MS, None)


def has_owner(connection: Gio.DBusConnection, name: str) -> bool:
    """Whether somebody on the bus has this name."""
    told = call(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner", GLib.Variant("(s)", (name,)))  # fmt: skip
    return bool(told.unpack()[0])


def end(connection: Gio.DBusConnection, name: str) -> None:
    """End whoever has a name on the bus; the bus knows it no more when this returns."""
    asked = GLib.Variant("(s)", (name,))
    told = call(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.GetConnectionUnixProcessID", asked)  # fmt: skip
    os.kill(told.unpack()[0], signal.SIGKILL)
    wait_for(f"the end of {name}", lambda: not has_owner(connection, name))
