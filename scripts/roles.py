"""Apply the Ansible roles to a root tree without booting it.

`python3 -m scripts.roles --root TREE --vars FILE.json`, inside the tools tree. Both builders call
this program: live-build between its stages, mkosi from its post-installation script.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.errors import BuildError
from scripts.process import Argument, Runner
from scripts.rootfs import kernel_mounts

_ROLES = Path(__file__).resolve().parent.parent / "roles"


def apply_roles(runner: Runner, root: Path, variables: Path) -> None:
    """Run `roles/site.yml` against the tree at `root`.

    Raises:
        BuildError: a role failed; its output is in the runner's log.
    """
    kernel = _kernel(root)
    command: list[Argument] = [
        "ansible-playbook", "--inventory", f"{root.resolve()},", "--connection", "sigmavault_chroot",
        "--extra-vars", f"@{variables.resolve()}",
        "--extra-vars", json.dumps({"sigmavault_kernel": kernel, **archives(runner)}),
        _ROLES / "site.yml",
    ]  # fmt: skip
    env = {
        "ANSIBLE_CONNECTION_PLUGINS": os.fspath(_ROLES / "connection_plugins"),
        "ANSIBLE_ROLES_PATH": os.fspath(_ROLES),
        "ANSIBLE_LOCAL_TEMP": "/tmp/ansible-local",  # noqa: S108 - a tmpfs of the tools tree
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with kernel_mounts(runner, root):
        runner.run(command, cwd=_ROLES, env=env, hint="which task failed stands above, in the log")


def archives(runner: Runner) -> dict[str, str]:
    """The archives that an installed system updates from: those live-build names by itself.

    `IMAGE_MIRROR` and `IMAGE_SECURITY_MIRROR` give others. What the build itself read from is of no
    use to whoever boots the image.
    """
    with TemporaryDirectory() as folder:
        runner.run(["lb", "config", "--mode", "debian"], cwd=Path(folder))
        text = (Path(folder) / "config/bootstrap").read_text(encoding="utf-8")
    settings = dict(re.findall(r'^(LB_[A-Z_]+)="(.*)"$', text, re.MULTILINE))
    environ = runner.env
    return {
        "sigmavault_archive": environ.get("IMAGE_MIRROR") or settings["LB_MIRROR_BINARY"],
        "sigmavault_security_archive": environ.get("IMAGE_SECURITY_MIRROR")
        or settings["LB_MIRROR_BINARY_SECURITY"],
    }


def _kernel(root: Path) -> str:
    found = sorted(path.name for path in (root / "usr/lib/modules").iterdir() if (path / "kernel").is_dir())
    if len(found) != 1:
        raise BuildError(f"one kernel was expected in {root}, found: {', '.join(found) or 'none'}")
    return found[0]


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the root tree")
    parser.add_argument("--vars", type=Path, required=True, help="variables rendered from image.yaml")
    arguments = parser.parse_args()
    try:
        apply_roles(Runner(log=sys.stdout, env=os.environ), arguments.root, arguments.vars)
    except BuildError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main())
