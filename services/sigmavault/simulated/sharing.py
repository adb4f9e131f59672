"""Samba, the tools of shadow and setfacl of the simulated machine: what they print and change."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from sigmavault.simulated.command import RefusalError, Simulated, line
from sigmavault.simulated.state import Account

_EVERYBODY = 990


def testparm(asked: Simulated) -> str:
    """What it was given, section by section; it knows no option, and so complains about none."""
    printed: list[str] = []
    for row in asked.stdin.splitlines():
        text = row.strip()
        if text and text[0] not in "#;" and text.lower() != "[global]":
            printed.append(text if text.startswith("[") else f"\t{text}")
    return "\n".join(["# Global parameters", "[global]", *printed]) + "\n"


def silent(_asked: Simulated) -> str:
    """A program that does what it is told, and says nothing."""
    return ""


def smbstatus(_asked: Simulated) -> str:
    """Nobody is connected."""
    return '{"sessions": {}, "tcons": {}, "open_files": {}}'


def pdbedit(asked: Simulated) -> str:
    """Who has a login."""
    users = ((name, each) for name, each in asked.state.users.items() if each.login is not None)
    rows = (f"Unix username:        {name}\nAccount Flags:        {_flags(each)}\n" for name, each in users)
    return "---------------\n".join(rows)


def _flags(account: Account) -> str:
    return "[U          ]" if account.login else "[DU         ]"


def smbpasswd(asked: Simulated) -> str:
    """`-s -a` with the password twice, `-d`, `-e`, `-x`."""
    words = line(asked.argv[1:], "")
    account = asked.state.users.get(words.names[-1])
    if account is None or ("a" not in words.flags and account.login is None):
        raise RefusalError(f"Failed to find entry for user {words.names[-1]}.")
    if "a" in words.flags:
        first, second, *_ = [*asked.stdin.splitlines(), "", ""]
        if not first or first != second:
            raise RefusalError("Mismatch - password unchanged.")
    account.login = None if "x" in words.flags else "d" not in words.flags
    return ""


def account(asked: Simulated) -> str:
    """`useradd`, `userdel`, `groupadd`, `groupdel`."""
    words, program = line(asked.argv[1:], ""), asked.argv[0]
    held = asked.state.users if program.startswith("user") else asked.state.groups
    name = words.names[-1]
    if program.endswith("del"):
        if held.pop(name, None) is None:
            raise RefusalError(f"{program}: '{name}' does not exist", 6)
        if program == "userdel":
            asked.state.administrators.discard(name)
            for group in asked.state.groups.values():
                group.members.discard(name)
        return ""
    if name in held:
        raise RefusalError(f"{program}: '{name}' already exists", 9)
    held[name] = Account(number=_number(asked.argv))
    return ""


def _number(argv: tuple[str, ...]) -> int:
    option = "--uid" if "--uid" in argv else "--gid"
    return int(argv[argv.index(option) + 1])


def gpasswd(asked: Simulated) -> str:
    """`--add USER -- GROUP`, `--delete USER -- GROUP`."""
    _, option, user, _, name = asked.argv
    group = asked.state.groups.get(name)
    if group is None or user not in asked.state.users:
        raise RefusalError(f"gpasswd: group '{name}' or user '{user}' does not exist", 3)
    group.members.discard(user)
    if option == "--add":
        group.members.add(user)
    return ""


def passwd_text(users: Mapping[str, Account]) -> str:
    """passwd(5)."""
    rows = (
        f"{name}:x:{each.number}:{_EVERYBODY}:{each.full_name}:{each.home or '/nonexistent'}"
        f":{each.shell or '/usr/sbin/nologin'}"
        for name, each in users.items()
    )
    return "\n".join(["root:x:0:0:root:/root:/bin/bash", *rows])


def shadow_text(users: Mapping[str, Account]) -> str:
    """shadow(5): who has a password; it is kept nowhere, not even its hash."""
    told = {name: "$simulated" if each.has_password else "!" for name, each in users.items()}
    return "\n".join(f"{name}:{field}:20000:0:99999:7:::" for name, field in {"root": "*", **told}.items())


def group_text(groups: Mapping[str, Account], administrators: Collection[str]) -> str:
    """group(5)."""
    rows = (f"{name}:x:{each.number}:{','.join(sorted(each.members))}" for name, each in groups.items())
    members = ",".join(sorted(administrators))
    own = ["root:x:0:", f"adm:x:4:{members}", f"sudo:x:27:{members}", f"sigmavault-users:x:{_EVERYBODY}:"]
    return "\n".join([*own, *rows])


def served(exports: str) -> str:
    """What the NFS server has taken of its exports: all of it."""
    return re.sub(r"(?m)^#.*\n?", "", exports)


PROGRAMS: Mapping[str, Callable[[Simulated], str]] = {
    "testparm": testparm, "smbcontrol": silent, "setfacl": silent, "smbstatus": smbstatus, "pdbedit": pdbedit,
    "smbpasswd": smbpasswd, "useradd": account, "userdel": account, "groupadd": account, "groupdel": account,
    "gpasswd": gpasswd,
}  # fmt: skip
