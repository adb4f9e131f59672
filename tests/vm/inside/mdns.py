"""Runs in the guest: asks by multicast DNS for services, as a Mac does, and prints what is answered.

python3 - SERVICE SECONDS      SERVICE is `_adisk._tcp.local`; prints the readable characters of all answers
"""

import contextlib
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
PTR, IN = 12, 1


def question(service: str) -> bytes:
    """A query of RFC 1035 from a port of its own, which is answered to that port (RFC 6762, 6.7)."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in service.split("."))
    return struct.pack(">6H", 1, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", PTR, IN)


def ask(service: str, seconds: float) -> bytes:
    end, said = time.monotonic() + seconds, b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(1)
        while time.monotonic() < end and not said:
            link.sendto(question(service), GROUP)
            with contextlib.suppress(TimeoutError):
                said = link.recv(9000)
    return said


text = ask(sys.argv[1], float(sys.argv[2])).decode("ascii", "replace")
sys.stdout.write("".join(each if each.isprintable() else " " for each in text))
