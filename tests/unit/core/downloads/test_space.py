from __future__ import annotations

import pytest
from sigmavault.core.downloads.record import PartRecord, decode_record, part_name
from sigmavault.core.downloads.space import Room, require_room, reserve
from sigmavault.core.errors import NoSpaceError
from sigmavault.core.values import GIB

from tests.unit.core.downloads.builders import model


@pytest.mark.parametrize(
    ("size", "is_boot_disk", "kept"),
    [(8, True, 2), (100, True, 10), (100, False, 5), (10_000, False, 64), (10_000, True, 64)],
)
def test_something_stays_free_for_the_machine(size: int, is_boot_disk: bool, kept: int) -> None:
    assert reserve(Room(size=size * GIB, free=0, is_boot_disk=is_boot_disk)) == kept * GIB


def test_what_fits_beside_that_is_fetched_and_no_byte_more() -> None:
    room = Room(size=100 * GIB, free=15 * GIB, is_boot_disk=True)
    require_room("tiny", 5 * GIB, room, "the boot disk")
    with pytest.raises(NoSpaceError, match=r"still needs 5\.00 GiB on the boot disk: 15\.0 GiB are free"):
        require_room("tiny", 5 * GIB + 1, room, "the boot disk")


@pytest.mark.parametrize("name", ["", "../x.gguf", "/etc/passwd", "a/b", ".hidden", "..", "a\0b"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        part_name(name)


def test_an_unfinished_file_is_no_model_for_anybody() -> None:
    assert part_name("Tiny.gguf") == ".Tiny.gguf.part"


def test_a_record_says_of_which_file_the_bytes_are() -> None:
    record = PartRecord(sha256="0" * 64, size=1000, source="hub", etag='"v1"')
    assert decode_record(record.encode()) == record
    assert record.is_for(model())
    assert not record.is_for(model(size=1001))
    assert not record.is_for(model(sha256="1" * 64))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 2}', "\x00", "{" * 1000])
def test_a_damaged_record_is_worth_nothing(text: str) -> None:
    assert decode_record(text) is None
