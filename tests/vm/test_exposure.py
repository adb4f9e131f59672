"""What can be reached, and with what."""

import re
from collections.abc import Iterator

import pytest

from tests.vm.machine.machine import Machine
from tests.vm.machine.process import run

pytestmark = pytest.mark.vm

LOOPBACK = re.compile(r"127\.|\[::1\]")
ALLOWED = {
    ("tcp", 22): {"sshd", "systemd"},
    ("tcp", 445): {"smbd"},
    # The kernel's: ss shows no program.
    ("tcp", 2049): {""},
    ("tcp", 3702): {"wsdd2"},
    ("tcp", 5357): {"wsdd2"},
    ("udp", 3702): {"wsdd2"},
    ("udp", 5353): {"avahi-daemon"},
    ("udp", 68): {"systemd-network", "NetworkManager"},
    ("udp", 546): {"systemd-network", "NetworkManager"},
}
ALLOWED_ON_LOOPBACK = {
    ("tcp", 53): {"systemd-resolve"},
    ("udp", 53): {"systemd-resolve"},
    ("tcp", 8100): {"systemd", "ryzan", "python3"},
}


def listeners(vm: Machine) -> Iterator[tuple[str, bool, int, str]]:
    """(protocol, is it the loopback, port, program) of every listening socket."""
    for line in vm.succeed("ss", "-H", "-tulpn").splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        program = re.search(r'\(\("([^"]+)"', line)
        yield protocol, bool(LOOPBACK.match(address)), int(port), program[1] if program else ""


def test_nothing_listens_that_is_not_known(vm):
    strangers = []
    for protocol, is_loopback, port, program in listeners(vm):
        allowed = ALLOWED | (ALLOWED_ON_LOOPBACK if is_loopback else {})
        # Avahi asks from a port of the kernel's choice.
        is_avahi = program == "avahi-daemon" and protocol == "udp" and port >= 32768
        if program not in allowed.get((protocol, port), set()) and not is_avahi:
            strangers.append((protocol, port, program, "loopback" if is_loopback else "any"))
    assert not strangers, "\n".join(map(str, strangers))


def test_the_firewall_drops_what_it_does_not_know(vm):
    assert "policy drop" in vm.succeed("nft", "list", "chain", "inet", "sigmavault", "input")


@pytest.mark.parametrize("account", ["root", "sigmavault"])
def test_nobody_logs_in_by_ssh_without_a_key(vm, account):
    """A real client offers a password and no key."""
    done = run(
        ["ssh", "-F", "/dev/null", "-p", str(vm.ssh.port), "-o", "PubkeyAuthentication=no",
         "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=no",
         "-o", "NumberOfPasswordPrompts=1", f"{account}@127.0.0.1", "true"],
        timeout_s=vm.scale.limit(20), check=False,
    )  # fmt: skip
    assert done.code == 255
    assert "Permission denied (publickey)" in done.err


def test_no_account_has_a_password(vm):
    hashes = [line.split(":")[:2] for line in vm.succeed("getent", "shadow").splitlines()]
    assert hashes
    assert [name for name, secret in hashes if not secret.startswith(("!", "*"))] == []


def test_nothing_is_writable_for_everybody(vm):
    """Files: none. Folders: only those whose sticky bit protects what lies in them."""
    found = vm.succeed(
        "find", "/", "-xdev", "(", "-type", "f", "-perm", "-0002", "-o",
        "-type", "d", "-perm", "-0002", "!", "-perm", "-1000", ")", "-print", timeout_s=60,
    )  # fmt: skip
    assert found.splitlines() == []


def test_samba_lists_nothing_to_strangers_and_nothing_is_shared_at_first(vm):
    assert "elements" not in vm.succeed("nft", "list", "set", "inet", "sigmavault", "shared_tcp")


def test_the_key_came_from_the_hypervisor_not_from_the_image(vm):
    keys = vm.succeed("cat", "/root/.ssh/authorized_keys").splitlines()
    assert keys == vm.ssh.public_key.decode().splitlines()
