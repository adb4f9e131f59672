"""How a machine is called and reached: host name, time zone, address. Pure.

A name that is typed here ends in files and command lines of other programs, so types are narrow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

LONGEST_HOST_NAME: Final = 15
"""NetBIOS takes 15 characters; Windows would meet another name than the one that was given."""

_HOST: Final = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_ZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9][A-Za-z0-9_+-]{0,31}){0,2}", re.ASCII)
_LINK: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,14}", re.ASCII)
_RESERVED: Final = frozenset({"localhost", "workgroup"})


def _host_name(name: str) -> str:
    if len(name) > LONGEST_HOST_NAME or not _HOST.fullmatch(name):
        raise ValueError(
            f"must be 1 to {LONGEST_HOST_NAME} small letters, digits and hyphens, a letter first"
            " and no hyphen last"
        )
    if name in _RESERVED:
        raise ValueError(f"must not be {name}, which means something else in a network")
    return name


def _time_zone(name: str) -> str:
    if not _ZONE.fullmatch(name):
        raise ValueError("must be a time zone such as Europe/Vienna or UTC")
    return name


def _link(name: str) -> str:
    if not _LINK.fullmatch(name):
        raise ValueError("must be the name of a network port such as enp3s0")
    return name


def _interface(text: str) -> str:
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError("must be an address with its prefix, such as 192.168.1.10/24") from None
    if "/" not in text or found.network.prefixlen == 0:
        raise ValueError("must have its prefix behind it, such as 192.168.1.10/24")
    if _is_no_host(found):
        raise ValueError(f"must be the address of one machine; {found.ip} is none")
    return str(found)


def _is_no_host(found: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> bool:
    special = found.ip.is_multicast or found.ip.is_loopback or found.ip.is_unspecified
    is_wide = found.network.num_addresses > 2  # RFC 3021: a /31 has two hosts and nothing else
    ends = {found.network.network_address, found.network.broadcast_address}
    return special or (found.version == 4 and is_wide and found.ip in ends)


def _address(text: str) -> str:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("must be an address such as 192.168.1.1") from None
    if found.is_multicast or found.is_unspecified or "%" in text:
        raise ValueError("must be the address of one machine, such as 192.168.1.1")
    return str(found)


MachineName = Annotated[str, AfterValidator(_host_name)]
"""What this machine is called in its network."""
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""A time zone of the tz database; whether this machine knows it is asked where it is set."""
PortName = Annotated[str, AfterValidator(_link)]
"""A network port, by the kernel's name."""
HostAddress = Annotated[str, AfterValidator(_interface)]
"""An address of this machine with its prefix: 192.168.1.10/24."""
PeerAddress = Annotated[str, AfterValidator(_address)]
"""An address of another machine."""
NameServers = Annotated[tuple[PeerAddress, ...], Field(max_length=4)]


class Method(StrEnum):
    """How a machine gets its address."""

    DHCP = "dhcp"
    """The router gives it one."""
    STATIC = "static"
    """It has one of its own, always the same."""


def fault(method: Method, port: str, address: str, gateway: str) -> str:
    """What does not go together, as a sentence without its full stop; empty when all does."""
    if method is Method.DHCP:
        given = [name for name, value in (("address", address), ("gateway", gateway)) if value]
        return f"with dhcp the router tells the {given[0]}: leave it out" if given else ""
    if not port or not address:
        return f"a fixed address needs the {'address' if port else 'port'} as well"
    here = ipaddress.ip_interface(address)
    if gateway and ipaddress.ip_address(gateway) not in here.network:
        return f"the gateway {gateway} is not in the network {here.network}"
    if gateway and ipaddress.ip_address(gateway) == here.ip:
        return "the gateway is another machine, not this one"
    return ""


def networkd_file(port: str, address: str, gateway: str, name_servers: Sequence[str]) -> str:
    """The text of a .network file (systemd.network(5)) for a fixed address."""
    lines = ["# Written by SigmaVault: `sigmavault machine set-network`.", "[Match]", f"Name={port}", ""]
    lines += ["[Network]", f"Address={address}"]
    lines += [f"Gateway={gateway}"] if gateway else []
    lines += [f"DNS={each}" for each in name_servers]
    lines += ["MulticastDNS=no", "LLMNR=no"]
    return "\n".join(lines) + "\n"


def parse_networkd_file(text: str) -> Mapping[str, tuple[str, ...]]:
    """What such a file says: key → values, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, sign, value = line.strip().partition("=")
        if sign and not key.startswith("#"):
            found[key] = (*found.get(key, ()), value)
    return found


def keyfile(port: str, address: str, gateway: str, name_servers: Sequence[str]) -> str:
    """The text of a connection of NetworkManager (nm-settings-keyfile(5)) for a fixed address."""
    versions = {4, 6}
    version = ipaddress.ip_interface(address).version
    [other] = versions - {version}
    servers = [each for each in name_servers if ipaddress.ip_address(each).version == version]
    lines = ["# Written by SigmaVault: `sigmavault machine set-network`.", "[connection]", "id=sigmavault"]
    lines += ["type=ethernet", f"interface-name={port}", "autoconnect-priority=100", ""]
    lines += [f"[ipv{version}]", "method=manual", f"address1={address}{',' if gateway else ''}{gateway}"]
    lines += [f"dns={''.join(f'{each};' for each in servers)}"] if servers else []
    return "\n".join([*lines, "", f"[ipv{other}]", f"method={'auto' if other == 6 else 'disabled'}"]) + "\n"
