from __future__ import annotations

import lzma

import pytest
from sigmavault.core.errors import ModuleSigningError
from sigmavault.core.module_signing import (
    Enrolment,
    is_refused,
    pack,
    parse_enrolment,
    strip_signature,
    unpack,
)

MARK = b"~Module signature appended~\n"


def signed(module: bytes, length: int, signature: bytes = b"PKCS7") -> bytes:
    return module + signature + b"\0\0\x02\0\0\0\0\0" + length.to_bytes(4, "big") + MARK


def test_a_signature_is_taken_off_and_a_module_without_one_stays() -> None:
    assert strip_signature(signed(b"\x7fELF module", 5)) == b"\x7fELF module"
    assert strip_signature(b"\x7fELF module") == b"\x7fELF module"


@pytest.mark.parametrize("damaged", [MARK, b"short" + MARK, signed(b"", 5), signed(b"module", 2**32 - 1)])
def test_a_signature_that_cannot_be_is_an_error(damaged: bytes) -> None:
    with pytest.raises(ModuleSigningError, match="damaged"):
        strip_signature(damaged)


@pytest.mark.parametrize("name", ["zfs.ko", "zfs.ko.xz"])
def test_packing_is_undone_by_unpacking(name: str) -> None:
    assert unpack(name, pack(name, b"module" * 1000)) == b"module" * 1000


def test_the_kernel_can_unpack_what_was_packed() -> None:
    """It knows CRC32 (stream flags 1) and dictionaries of its own size alone."""
    packed = pack("zfs.ko.xz", b"module" * 1000)
    assert packed[:8] == b"\xfd7zXZ\0\0\x01"
    assert lzma.LZMADecompressor(memlimit=3 << 20).decompress(packed) == b"module" * 1000


def test_what_cannot_be_unpacked_is_an_error() -> None:
    with pytest.raises(ModuleSigningError, match=r"packed as \.zst"):
        unpack("zfs.ko.zst", b"")
    for damaged in (b"", b"no xz", pack("zfs.ko.xz", b"module" * 1000)[:-20]):
        with pytest.raises(ModuleSigningError, match="is damaged"):
            unpack("zfs.ko.xz", damaged)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/stick/sigmavault-mok.der is not enrolled\n", Enrolment.UNKNOWN),
        ("/stick/sigmavault-mok.der is already in the enrollment request\n", Enrolment.REQUESTED),
        ("/stick/sigmavault-mok.der is already enrolled\n", Enrolment.ENROLLED),
    ],
)
def test_what_mokutil_says_of_a_key(said: str, meant: Enrolment) -> None:
    assert parse_enrolment(said) is meant


def test_no_answer_of_mokutil_is_none() -> None:
    with pytest.raises(ModuleSigningError, match="EFI variables are not supported"):
        parse_enrolment("EFI variables are not supported on this system\n")


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("modprobe: ERROR: could not insert 'zfs': Key was rejected by service\n", True),
        ("modprobe: ERROR: could not insert 'zfs': Operation not permitted\n", True),
        ("modprobe: ERROR: could not insert 'zfs': Required key not available\n", True),
        ("modprobe: FATAL: Module zfs not found in directory /lib/modules/6.12.1\n", False),
        ("modprobe: ERROR: could not insert 'zfs': Exec format error\n", False),
    ],
)
def test_a_refused_signature_is_told_from_other_failures(said: str, refused: bool) -> None:
    assert is_refused(said) is refused
