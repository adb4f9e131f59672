"""What `zfs list -j` prints of some datasets, in the form that ZFS 2.3 has."""

from __future__ import annotations

import json
from collections.abc import Mapping


def datasets_of(places: Mapping[str, str], *, mounted: bool = True) -> str:
    """Names of file systems → where they are mounted."""
    entries = {name: _entry(name, place, mounted, 11 + n) for n, (name, place) in enumerate(places.items())}
    version = {"command": "zfs list", "vers_major": 0, "vers_minor": 1}
    return json.dumps({"output_version": version, "datasets": entries})


def _entry(name: str, place: str, mounted: bool, guid: int) -> dict[str, object]:
    values = {
        "name": name, "guid": guid, "used": 1, "available": 1, "referenced": 1, "quota": 0,
        "mountpoint": place, "mounted": "yes" if mounted else "no", "canmount": "on", "readonly": "off",
        "encryption": "off", "encryptionroot": "-", "keystatus": "-", "keyformat": "none",
        "keylocation": "none", "origin": "-",
    }  # fmt: skip
    none = {"type": "NONE", "data": "-"}
    properties = {key: {"value": value, "source": none} for key, value in values.items()}
    return {"name": name, "type": "FILESYSTEM", "pool": name.split("/")[0], "properties": properties}
