"""What can go wrong with a virtual machine, told apart by whose fault it is.

- `MachineError`: the harness, QEMU or the host broke; this says nothing about the image.
- `MachineGoneError`: one of these; QEMU has ended although nobody asked it to.
- `GuestError`: the guest did not do what the test expects; a failed test.
"""

from __future__ import annotations


class MachineError(Exception):
    """The harness, QEMU or the host broke; the image under test is not to blame."""


class MachineGoneError(MachineError):
    """QEMU ended by itself; the message holds the end of its own log."""


class GuestError(AssertionError):
    """The guest did not do what was expected of it: pytest reports a failure, not an error."""
