"""Shares for tests, and what hypothesis makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from sigmavault.core.sharing.place import Place, place_of
from sigmavault.core.sharing.share import Encryption, Guest, Nfs, NfsHost, Share, Smb

MOUNTS = {"tank/photos": "/tank/photos", "tank": "/tank", "tank/my media": "/tank/my media"}


def smb_share(name: str = "photos", dataset: str = "tank/photos", folder: str = "", **smb: Any) -> Share:
    part = Smb.model_validate({"write": ("anna",), **smb})
    return Share(name=name, dataset=dataset, guid="42", folder=folder, smb=part)


def nfs_share(name: str = "media", dataset: str = "tank/photos", folder: str = "", **nfs: Any) -> Share:
    host = NfsHost(asked="192.168.1.0/24", addresses=("192.168.1.0/24",))
    return Share(name=name, dataset=dataset, guid="42", folder=folder, nfs=Nfs(**{"hosts": (host,), **nfs}))


def placed(share: Share, mounts: Mapping[str, str] = MOUNTS, faults: Mapping[str, str] = {}) -> Place:
    return place_of(share, mounts, faults)


NASTY = st.one_of(
    st.sampled_from([
        "a\n[evil]",
            "a\r\npath = /", "x\\", "%U", "x\x85y", "a\u2028b", "[global]", "a;b", "#a", "a\x00b", 'a"b',
        "*", "*(rw)", "a(rw,no_root_squash)", "-rf", "..", "../..", "a/../b", "/etc", " a", "a ",
        "\\040", "ä", "名",
        "e\u0301", "a\tb", "include = /etc/passwd", "a,b", "a=b", "",
    ]),
    st.text(max_size=12),
)  # fmt: skip
"""Text that people should not get past a type."""

HOSTS = st.one_of(
    NASTY, st.sampled_from(["192.168.1.0/24", "10.0.0.7", "fd00::/64", "nas.local", "0.0.0.0/0", "::/0"])
)


@st.composite
def smb_options(draw: st.DrawFn) -> dict[str, Any]:
    names = st.lists(st.one_of(st.sampled_from(["anna", "bob", "@family"]), NASTY), max_size=3)
    return {
        "read": tuple(draw(names)), "write": tuple(draw(names)), "guest": draw(st.sampled_from(Guest)),
        "previous_versions": draw(st.booleans()), "time_machine": draw(st.booleans()),
        "time_machine_bytes": draw(st.one_of(st.none(), st.integers(-1, 2**64))),
        "encryption": draw(st.sampled_from(Encryption)), "hidden": draw(st.booleans()),
        "comment": draw(NASTY),
    }  # fmt: skip
