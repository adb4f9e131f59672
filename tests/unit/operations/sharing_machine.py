"""A machine with datasets and Samba's programs, as far as shares need them; its files are real."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sigmavault.core.errors import CommandError
from sigmavault.core.operation import Change, Outcome, Plan

from tests.unit.operations.scripted import Hands, ScriptedMachine

ROOT = Path(__file__).parents[3]
BASE = ROOT / "overlay/etc/samba/smb.conf"
USERS = "root:x:0:0::/root:/bin/sh\nanna:x:20000:990::/:/x\nbob:x:20002:990::/:/x\nowner:x:1000:1000::/:/x\n"
GROUPS = "sigmavault-users:x:990:\nfamily:x:20001:anna\nowner:x:1000:\n"
RECORD = {"version": 1, "next_id": 20003, "users": {"anna": 20000, "bob": 20002}, "groups": {"family": 20001}}
LOGINS = "Unix username: anna\nAccount Flags: [U ]\n---\nUnix username: bob\nAccount Flags: [U ]\n"


class SharingMachine(ScriptedMachine):
    """Programs do to the files what the real ones do."""

    def __init__(self, root: Path) -> None:
        super().__init__(root=root, says={
            ("testparm",): self._testparm, ("systemctl",): self._systemctl, ("smbcontrol",): "",
            ("setfacl",): "", ("zfs", "get"): self._zfs, ("getent",): self._getent,
            ("pdbedit",): self._pdbedit,
            ("smbpasswd",): self._smbpasswd, ("smbstatus",): '{"sessions": {}, "tcons": {}}',
            ("useradd",): self._account("passwd"), ("userdel",): self._account("passwd"),
            ("groupadd",): self._account("group"), ("groupdel",): self._account("group"),
            ("gpasswd",): self._gpasswd,
        })  # fmt: skip
        self.fails: dict[tuple[str, ...], CommandError] = {}
        self.logins = LOGINS
        self.properties = {"acltype": "posix", "sharenfs": "off"}
        for name, text in {
            "etc/samba/smb.conf": BASE.read_text(), "etc/passwd": USERS, "etc/group": GROUPS,
            "etc/sigmavault/accounts.json": json.dumps(RECORD), "var/lib/nfs/etab": "",
            "etc/exports": "# none\n",
            "sys/module/zfs/version": "2.3\n",
        }.items():  # fmt: skip
            self.write(name, text)
        self.mount("tank", "tank/photos")

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def text(self, name: str) -> str:
        file = self.root / name
        return file.read_text() if file.exists() else ""

    def mount(self, *datasets: str) -> None:
        """Exactly these are mounted."""
        rows = [f"{n} 1 0:{n} / /{each} rw - zfs {each} rw" for n, each in enumerate(datasets, 20)]
        self.write("proc/self/mountinfo", "\n".join(["19 1 8:1 / / rw - ext4 /dev/vda rw", *rows]))

    def run(self, argv: Sequence[str], **options: Any) -> Any:
        for start, error in self.fails.items():
            if tuple(argv[: len(start)]) == start:
                self.ran.append(tuple(argv))
                raise error
        return super().run(argv, **options)

    def _testparm(self, _argv: Sequence[str], text: str) -> str:
        return "\n".join(f"[{name}]\n\tpath = x" for name in re.findall(r"(?m)^\s*\[([^\]]+)\]", text))

    def _systemctl(self, argv: Sequence[str], _text: str) -> str:
        if argv[-1] == "nfs-server.service":
            self.write("var/lib/nfs/etab", self.text("etc/exports.d/sigmavault.exports"))
        return ""

    def _zfs(self, argv: Sequence[str], _text: str) -> str:
        name = argv[-1]
        held = {
            "guid": 42, "used": 1, "available": 1, "referenced": 1, "quota": 0, "mountpoint": f"/{name}",
            "mounted": "yes", "canmount": "on", "readonly": "off", "encryption": "off", "encryptionroot": "-",
            "keystatus": "-", "keyformat": "none", "keylocation": "none", "origin": "-", **self.properties,
        }  # fmt: skip
        source = {"type": "NONE", "data": "-"}
        properties = {key: {"value": each, "source": source} for key, each in held.items()}
        found = {"name": name, "type": "FILESYSTEM", "properties": properties}
        return json.dumps({"datasets": {name: found}})

    def _getent(self, argv: Sequence[str], _text: str) -> str:
        if argv[-1] != "nas.local":
            raise CommandError(argv, 2)
        return "10.0.0.9 STREAM nas.local\n10.0.0.9 DGRAM\nfe80::1%eth0 STREAM\n"

    def _pdbedit(self, _argv: Sequence[str], _text: str) -> str:
        return self.logins

    def _smbpasswd(self, argv: Sequence[str], _text: str) -> str:
        flags = {"-d": "[DU ]", "-x": None}.get(argv[1], "[U ]")
        others = re.sub(rf"Unix username: {argv[-1]}\nAccount Flags: [^\n]*\n", "", self.logins)
        own = f"Unix username: {argv[-1]}\nAccount Flags: {flags}\n" if flags else ""
        self.logins = others + own
        return ""

    def _account(self, file: str) -> Callable[[Sequence[str], str], str]:
        def change(argv: Sequence[str], _text: str) -> str:
            lines = self.text(f"etc/{file}").splitlines()
            lines = [line for line in lines if not line.startswith(f"{argv[-1]}:")]
            if argv[0].endswith("add"):
                number = argv[argv.index("--uid" if file == "passwd" else "--gid") + 1]
                rest = ":990::/nonexistent:/usr/sbin/nologin" if file == "passwd" else ":"
                lines.append(f"{argv[-1]}:x:{number}{rest}")
            self.write(f"etc/{file}", "\n".join(lines) + "\n")
            return ""

        return change

    def _gpasswd(self, argv: Sequence[str], _text: str) -> str:
        def changed(line: str) -> str:
            name, rest, gid, members = line.split(":")
            held = [each for each in members.split(",") if each and each != argv[2]]
            held += [argv[2]] if argv[1] == "--add" else []
            return ":".join((name, rest, gid, ",".join(held))) if name == argv[-1] else line

        lines = [changed(line) for line in self.text("etc/group").splitlines()]
        self.write("etc/group", "\n".join(lines) + "\n")
        return ""


def do(
    machine: SharingMachine, operation: Change[Any, Any], secrets: dict[str, str] | None = None, **asked: Any
) -> Any:
    """Plan, plan again as hostd does, apply; the answer, and that it would be told as finished."""
    arguments = operation.arguments_type().model_validate_json(json.dumps(asked))
    plan: Plan = operation.plan(arguments, machine)
    assert plan.digest() == operation.plan(arguments, machine).digest(), "the same state, another plan"
    answer = operation.apply(arguments, plan, machine, Hands(secrets=secrets or {}))
    assert operation.outcome(arguments, plan, machine) in {Outcome.FINISHED, Outcome.UNKNOWN}
    return answer


def planned(machine: SharingMachine, operation: Change[Any, Any], **asked: Any) -> Plan:
    return operation.plan(operation.arguments_type().model_validate_json(json.dumps(asked)), machine)
