"""What is announced of the shares: what Samba itself would say, at every change."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from sigmavault.core.sharing import announced
from sigmavault.core.sharing.share import Share, Smb

from tests.unit.core.sharing.builders import nfs_share, placed, smb_share


def records(text: str) -> dict[str, tuple[str, list[str]]]:
    """Type → port and what is told beside."""
    group = ElementTree.fromstring(text)  # noqa: S314  # our own text
    return {
        str(each.findtext("type")): (
            str(each.findtext("port")),
            [str(record.text) for record in each.findall("txt-record")],
        )
        for each in group.findall("service")
    }


def test_nothing_is_announced_that_nobody_can_reach() -> None:
    assert announced.render([]) == ""
    assert announced.render([placed(nfs_share())]) == ""
    assert announced.render([placed(smb_share(), mounts={})]) == ""
    assert announced.render([placed(smb_share(write=()))]) == ""


def test_a_share_makes_the_machine_visible() -> None:
    told = records(announced.render([placed(smb_share())]))
    assert told == {"_smb._tcp": ("445", []), "_device-info._tcp": ("9", ["model=MacSamba"])}


def test_macs_hear_of_each_share_for_their_backups() -> None:
    places = [
        placed(smb_share("photos")),
        placed(smb_share("anna", time_machine=True)),
        placed(smb_share("gone", dataset="tank/gone", time_machine=True)),
        placed(smb_share("bob", time_machine=True)),
    ]
    assert records(announced.render(places))["_adisk._tcp"] == (
        "9",
        ["sys=adVF=0x100", "dk0=adVN=anna,adVF=0x82", "dk1=adVN=bob,adVF=0x82"],
    )


@given(name=st.from_regex(r"[A-Za-z][A-Za-z,=&< -]{0,6}", fullmatch=True))
def test_a_name_adds_no_record(name: str) -> None:
    try:
        share = Share(
            name=name, dataset="tank/photos", guid="42", smb=Smb(write=("anna",), time_machine=True)
        )
    except ValueError:
        return
    told = records(announced.render([placed(share)]))["_adisk._tcp"][1]
    assert told[1:] == [f"dk0=adVN={name},adVF=0x82"]
