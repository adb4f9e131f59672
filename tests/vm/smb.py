"""smbclient(1) outside the machine, through its forwarded port."""

from __future__ import annotations

from pathlib import Path

from tests.vm.machine.machine import Machine
from tests.vm.machine.process import Arg, Done, run
from tests.vm.stage import SMB


def smbclient(
    vm: Machine, share: str, script: str, folder: Path, *options: str, user: str = "", phrase: str = "",
    limit_s: float = 15,
) -> Done:  # fmt: skip
    """What came of the script, which finds and leaves its files in the folder.

    Args:
        share: its name.
        script: commands of smbclient; "": the options say what is to be done.
        user: who asks; "": nobody in particular.
        limit_s: how long it may take, on a real machine.
    """
    who: list[Arg] = ["-N", "-U", "%"]
    if user:
        account = folder / f"account-{user}"
        account.touch(0o600)
        account.write_text(f"username={user}\npassword={phrase}\n")
        who = ["-A", account]
    what = ["-c", f"lcd {folder}; prompt off; {script}"] if script else []
    words = ["smbclient", f"//127.0.0.1/{share}", "-p", str(vm.ports[SMB]), *who, *options, *what]
    return run(words, timeout_s=vm.scale.limit(limit_s), check=False)
