"""Which accelerator is used."""

import pytest

from tests.vm.machine.accel import PROOF, Accel, decide, memory_key, probe_command


def forbidden() -> str:
    raise AssertionError("probed although the answer was known")


@pytest.mark.parametrize(
    ("usable_device", "remembered", "probe", "want"),
    [
        pytest.param(False, None, forbidden, Accel.TCG, id="no device"),
        pytest.param(False, "kvm", forbidden, Accel.TCG, id="the device went away"),
        pytest.param(True, "kvm", forbidden, Accel.KVM, id="remembered as usable"),
        pytest.param(True, "tcg", forbidden, Accel.TCG, id="remembered as a trap"),
        pytest.param(True, None, lambda: f"... VFS: {PROOF} on x", Accel.KVM, id="a kernel boots"),
        pytest.param(True, None, lambda: "Decompressing Linux...", Accel.TCG, id="it hangs early"),
        pytest.param(True, None, lambda: "", Accel.TCG, id="QEMU says nothing"),
        pytest.param(True, "rubbish", lambda: PROOF, Accel.KVM, id="a damaged note is not believed"),
    ],
)
def test_decide(usable_device, remembered, probe, want):
    assert decide(usable_device=usable_device, remembered=remembered, probe=probe).accel is want


def test_the_probe_cannot_fall_back_and_cannot_hang_in_a_reboot_loop(tmp_path):
    argv = probe_command(tmp_path / "vmlinuz")
    assert argv[argv.index("-accel") + 1] == "kvm"
    assert "-no-reboot" in argv
    assert "panic=-1" in argv[argv.index("-append") + 1]


def test_an_answer_is_for_one_kernel_one_qemu_and_one_host():
    usual = memory_key(qemu_version="10.0", host="6.12 EPYC", kernel=b"a")
    others = {
        memory_key(qemu_version="10.1", host="6.12 EPYC", kernel=b"a"),
        memory_key(qemu_version="10.0", host="6.13 EPYC", kernel=b"a"),
        memory_key(qemu_version="10.0", host="6.12 EPYC", kernel=b"b"),
    }
    assert len(others | {usual}) == 4
    assert usual == memory_key(qemu_version="10.0", host="6.12 EPYC", kernel=b"a")
