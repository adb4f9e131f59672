"""The way into the guest: a key made for this machine, one shared connection, commands as lists."""

from __future__ import annotations

import shlex
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from tests.vm.machine.process import Done, run

HOST = "vm"
"""The guest's name in the ssh configuration."""

_CONFIG = """\
Host {host}
  HostName 127.0.0.1
  Port {port}
  User root
  IdentityFile {key}
  IdentitiesOnly yes
  HostKeyAlias {host}
  UserKnownHostsFile {known}
  StrictHostKeyChecking accept-new
  BatchMode yes
  LogLevel ERROR
  ConnectTimeout 20
  ControlPath {control}
  ControlMaster auto
  ControlPersist 600
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Ssh:
    """One machine's key, configuration file and shared connection.

    The key lives with the machine's files: a checkpoint of a guest that trusts it is of no use without it.
    """

    def __init__(self, *, folder: Path, sockets: Path, port: int) -> None:
        self.key = folder / "ssh_key"
        self.config = folder / "ssh_config"
        self.port = port
        self._sockets = sockets
        folder.mkdir(parents=True, exist_ok=True)
        if not self.key.is_file():
            comment = "made for one virtual machine"
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", self.key], timeout_s=60)
        self.config.write_text(
            _CONFIG.format(
                host=HOST, port=port, key=self.key, known=folder / "known_hosts", control=sockets / "ssh.sock"
            )
        )

    @property
    def public_key(self) -> bytes:
        """What the guest is told to trust, with a line end."""
        return self.key.with_suffix(".pub").read_bytes()

    def forget_host(self) -> None:
        """Accept another host key next time: the guest is about to make new ones."""
        (self.key.parent / "known_hosts").unlink(missing_ok=True)

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Done:
        """Run a program as root in the guest; 255 is ssh's own failure.

        Raises:
            MachineError: no end within `timeout_s`.
        """
        words = ["ssh", "-F", str(self.config), HOST, "--", shlex.join(argv)]
        return run(words, timeout_s=timeout_s, stdin=stdin, check=False)

    def close(self) -> None:
        """End the shared connection; the next command makes a new one."""
        run(["ssh", "-F", self.config, "-O", "exit", HOST], timeout_s=20, check=False)

    def remove(self) -> None:
        """Delete the sockets."""
        shutil.rmtree(self._sockets, ignore_errors=True)
