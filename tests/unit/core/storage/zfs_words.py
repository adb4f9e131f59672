"""Answers of `zfs list -j -p`, as short as can be; `recorded/datasets.json` is a real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sigmavault.core.errors import CommandError

NONE = {"type": "NONE", "data": "-"}
LOCAL = {"type": "LOCAL", "data": "-"}
DEFAULT = {"type": "DEFAULT", "data": "-"}


def inherited(above: str) -> dict[str, str]:
    return {"type": "INHERITED", "data": above}


@dataclass(kw_only=True)
class Zfs:
    """What there is: names, with what differs from the usual: a value, or a pair of it and its source."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, *, guid: int, type_: str = "FILESYSTEM", txg: int = 1, **properties: Any) -> Zfs:
        usual: dict[str, Any] = {"guid": guid, "used": 98304, "available": 1 << 30, "referenced": 98304}
        if type_ == "FILESYSTEM":
            usual |= {
                "quota": 0, "mountpoint": (f"/{name}", inherited(name.split("/", maxsplit=1)[0])),
                "mounted": "yes", "canmount": ("on", DEFAULT), "readonly": ("off", DEFAULT),
                "encryption": ("off", DEFAULT), "encryptionroot": "-", "keystatus": "-",
                "keyformat": ("none", DEFAULT), "keylocation": ("none", DEFAULT), "origin": "-",
            }  # fmt: skip
        if type_ == "SNAPSHOT":
            usual |= {"creation": 1785542400, "userrefs": 0, "clones": ""}
        told = {key.replace("__", ":"): value for key, value in (usual | properties).items()}
        self.objects[name] = {
            "name": name, "type": type_, "pool": name.split("/", maxsplit=1)[0], "createtxg": str(txg),
            "properties": {key: _told(value) for key, value in told.items()},
        }  # fmt: skip
        return self

    def encrypted(self, name: str, root: str, *, guid: int, loaded: bool = True, **properties: Any) -> Zfs:
        """A dataset with the key of `root`."""
        own = {"keyformat": ("passphrase", NONE), "keylocation": ("prompt", LOCAL)} if name == root else {}
        told = {
            "encryption": "aes-256-gcm", "encryptionroot": root, "mounted": "yes" if loaded else "no",
            "keystatus": "available" if loaded else "unavailable", "keyformat": "passphrase",
        }  # fmt: skip
        return self.add(name, guid=guid, **(told | own | properties))

    def list(self, argv: Any, _stdin: str = "") -> str:
        """`zfs list` or `zfs get`, as it was asked."""
        words = list(argv)
        names = words[words.index("--") + 1 :] if "--" in words else []
        types = words[words.index("-t") + 1].upper().split(",") if "-t" in words else None
        deep = "-r" in words
        found = {
            name: each
            for name, each in self.objects.items()
            if (types is None or each["type"] in types)
            and _is_asked(name, names, deep=deep, flat="-d" in words)
        }
        if names and not found:
            raise CommandError(tuple(words), 1, f"cannot open '{names[0]}': dataset does not exist")
        return dump(found)

    def get(self, argv: Any, _stdin: str = "") -> str:
        """`zfs get all`, or one property that was put among those of the dataset."""
        return self.list(["zfs", "get", *argv[argv.index("--") :]])


def dump(found: Mapping[str, Any]) -> str:
    return json.dumps({"output_version": {"command": "zfs list"}, "datasets": found})


def _told(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"value": str(value[0]), "source": value[1]}
    return {"value": str(value), "source": NONE}


def _is_asked(name: str, names: list[str], *, deep: bool, flat: bool) -> bool:
    if not names:
        return True
    above = name.replace("@", "/@").replace("#", "/#")
    for each in names:
        if name == each or (deep and above.startswith(f"{each}/")):
            return True
        if (flat and above.startswith(f"{each}/@")) or (flat and above.startswith(f"{each}/#")):
            return True
    return False
