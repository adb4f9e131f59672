"""What the machine announces of its shares by DNS-SD: a service file for Avahi, avahi.service(5). Pure.

Samba would announce by itself, but it tells Avahi at its start only: a Time Machine share that is made later
would be offered to no Mac before the next boot. `multicast dns register = no` leaves it to this file, which
Avahi reads anew whenever it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from sigmavault.core.sharing.place import Place

FILE: Final = "/etc/avahi/services/sigmavault.service"
_HEAD: Final = """\
<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<!-- Written by SigmaVault out of /etc/sigmavault/shares.json; what is changed here is lost. -->
<service-group>
  <name replace-wildcards="yes">%h</name>
"""
_TAIL: Final = "</service-group>\n"
_NO_PORT: Final = 9
"""The port of `discard`, for records that are no service (as Samba and netatalk do it)."""
_SMB_PORT: Final = 445
# What Samba itself says (source3/smbd/avahi_register.c); 0x82: Time Machine over SMB.
_SYSTEM: Final = "sys=adVF=0x100"
_DISK: Final = "dk{number}=adVN={name},adVF=0x82"
_MODEL: Final = "model=MacSamba"


def render(places: Sequence[Place]) -> str:
    """The whole file; empty while nothing can be reached over SMB."""
    reached = [each for each in places if each.share.smb is not None and not each.smb_reason]
    if not reached:
        return ""
    backups = [each.share.name for each in reached if each.share.smb and each.share.smb.time_machine]
    services = [_service("_smb._tcp", _SMB_PORT), _service("_device-info._tcp", _NO_PORT, _MODEL)]
    if backups:
        disks = (_DISK.format(number=number, name=name) for number, name in enumerate(backups))
        services.append(_service("_adisk._tcp", _NO_PORT, _SYSTEM, *disks))
    return _HEAD + "".join(services) + _TAIL


def _service(kind: str, port: int, *records: str) -> str:
    told = "".join(f"    <txt-record>{escape(each)}</txt-record>\n" for each in records)
    return f"  <service>\n    <type>{kind}</type>\n    <port>{port}</port>\n{told}  </service>\n"
