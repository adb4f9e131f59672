"""The smaller pure parts of the harness: keys, checkpoint keys and store, the login prompt."""

import string
from unittest.mock import Mock, call

import pytest

from tests.vm.machine.checkpoint import Store, checkpoint_key
from tests.vm.machine.images import image_format
from tests.vm.machine.keys import keys_of
from tests.vm.machine.machine import LOGIN_PROMPT, Machine
from tests.vm.machine.timing import TimeScale


def test_every_printable_character_has_keys():
    typed = [tuple(keys_of(c)) for c in string.ascii_letters + string.digits + string.punctuation + " \n\t"]
    assert len(set(typed)) == len(typed)


@pytest.mark.parametrize(("character", "keys"), [("a", ["a"]), ("A", ["shift", "a"]), ("@", ["shift", "2"]),
                                                 ("\n", ["ret"]), ("_", ["shift", "minus"])])  # fmt: skip
def test_keys(character, keys):
    assert keys_of(character) == keys


def test_a_character_without_a_key_is_refused():
    with pytest.raises(ValueError, match="ß"):
        keys_of("ß")


def test_a_checkpoint_fits_one_image_one_qemu_and_one_machine():
    keys = {
        checkpoint_key(image="aa", qemu_version="10.0", identity=["-m", "1"]),
        checkpoint_key(image="bb", qemu_version="10.0", identity=["-m", "1"]),
        checkpoint_key(image="aa", qemu_version="10.1", identity=["-m", "1"]),
        checkpoint_key(image="aa", qemu_version="10.0", identity=["-m", "2"]),
        checkpoint_key(image="aa", qemu_version="10.0", identity=["-m 1"]),
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("text", "is_prompt"),
    [
        ("Debian GNU/Linux 13 sigmavault ttyS0\n\nsigmavault login: ", True),
        ("\nsigmavault login: [   27.4] fbcon: a kernel message behind it", True),
        ("sigmavault@sigmavault:~$ ", True),
        ("[    5.1] systemd[1]: Started systemd-logind.service - User Login Management.", False),
        ("Press enter to login:", False),
    ],
)
def test_login_prompt(text, is_prompt):
    assert bool(LOGIN_PROMPT.search(text)) is is_prompt


def test_image_format_is_read_from_the_file_not_from_its_name(tmp_path):
    file = tmp_path / "a.raw"
    file.write_bytes(b"QFI\xfb....")
    assert image_format(file) == "qcow2"
    file.write_bytes(bytes(8))
    assert image_format(file) == "raw"


@pytest.mark.runs_programs
def test_the_store_keeps_one_checkpoint_a_machine(tmp_path):
    store, disk = Store(tmp_path / "store"), tmp_path / "disk.qcow2"
    disk.write_text("old")
    store.keep("nas", "key-1", [disk], {"login_s": 1.5})
    disk.write_text("new")
    store.keep("nas", "key-2", [disk], {})
    assert store.find("nas", "key-1") is None
    assert store.find("nas", "key-2") == {}
    store.fetch("nas", "key-2", tmp_path / "out")
    assert [(f.name, f.read_text()) for f in (tmp_path / "out").iterdir()] == [("disk.qcow2", "new")]


def test_a_checkpoint_without_notes_was_never_finished(tmp_path):
    (tmp_path / "nas" / "key").mkdir(parents=True)
    (tmp_path / "nas" / "key" / "vmstate.qcow2").write_text("half")
    assert Store(tmp_path).find("nas", "key") is None


PANIC = """\
[    0.044000] Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug and
[    0.044000] CPU: 0 UID: 0 PID: 0 Comm: swapper/0 Not tainted 6.12.117+deb13-amd64 #1  Debian 6.12.117-1
[    0.044000] ---[ end Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug ]---
"""


@pytest.mark.parametrize(("said", "resets"), [(PANIC, 1), (PANIC[:150], 0), ("sigmavault login: ", 0)])
def test_a_machine_that_the_emulator_left_without_a_timer_is_started_anew(tmp_path, said, resets):
    """As a kernel said it on a busy host; the last words, or the words before them would do it twice."""
    machine = object.__new__(Machine)  # nothing is switched on
    machine._qemu, machine._qmp = Mock(poll=lambda: None), Mock()
    machine.files = Mock(serial_log=tmp_path / "serial.log")
    machine.scale, machine._serial_from = TimeScale(1.0), 0
    machine.files.serial_log.write_text(said)
    for _ in range(2):
        machine.check_boot()
    assert machine._qmp.execute.call_args_list == [call("system_reset")] * resets
    assert (machine.serial() == "") == bool(resets)
