"""Ansible connection to a root tree that is not booted.

The inventory's host name is the path of the tree. Whoever runs the playbook has mounted /proc, /sys,
/dev, /run and /tmp in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: sigmavault_chroot
short_description: work in a root tree with chroot(8)
description:
  - Runs every command in the tree whose absolute path is the inventory's host name.
author: SigmaVault developers
options:
  remote_addr:
    description: Absolute path of the root tree.
    type: path
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(ConnectionBase):
    """Commands by chroot(8), files by copying."""

    transport = "sigmavault_chroot"
    has_pipelining = True
    has_tty = False

    def _connect(self) -> Connection:
        super()._connect()
        if not self._connected:
            root = Path(self.get_option("remote_addr"))
            if not root.is_absolute() or root == Path("/"):
                raise AnsibleConnectionFailure(f"{root} is not the absolute path of a root tree")
            if os.geteuid() != 0:
                raise AnsibleConnectionFailure("chroot(8) needs root")
            for name in ("bin/sh", "proc/self", "dev/null"):
                if not (root / name).exists():
                    raise AnsibleConnectionFailure(f"{root} is not ready: no /{name} in it")
            self._root = root
            self._connected = True
        return self

    def exec_command(
        self,
        cmd: str,
        in_data: bytes | None = None,
        sudoable: bool = True,  # noqa: FBT001, FBT002  # Ansible's interface
    ) -> tuple[int, bytes, bytes]:
        """Run a command line that Ansible composed, in the tree's own shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        argv = ["chroot", os.fspath(self._root), "/bin/sh", "-c", to_bytes(cmd)]
        done = subprocess.run(argv, input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the tree."""
        super().put_file(in_path, out_path)
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"{in_path} is no file")
        shutil.copyfile(in_path, self._inside(out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the tree."""
        super().fetch_file(in_path, out_path)
        source = self._inside(in_path)
        if not source.is_file():
            raise AnsibleFileNotFound(f"{in_path} is no file in {self._root}")
        shutil.copyfile(source, out_path)

    def close(self) -> None:
        """Nothing stays open."""
        self._connected = False

    def _inside(self, path: str) -> Path:
        """Where a path of the tree is, with links read as the tree reads them."""
        place = PurePosixPath("/", path)
        parent = (self._root / place.parent.relative_to("/")).resolve()
        if not parent.is_relative_to(self._root.resolve()):
            raise AnsibleConnectionFailure(f"{path} leads out of {self._root}")
        return parent / place.name
