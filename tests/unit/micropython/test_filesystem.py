"""Flash file system images with the rp2 port's geometry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renode_pico.errors import ImageError
from renode_pico.micropython.filesystem import (
    FLASH_OFFSET,
    FLASH_SIZE,
    STORAGE_SIZE,
    make_image,
    read_flash,
    read_image,
    update_image,
)


def test_should_lie_where_the_port_looks_for_it() -> None:
    assert FLASH_OFFSET == 0xA0000
    assert len(make_image({})) == STORAGE_SIZE == FLASH_SIZE - FLASH_OFFSET


def test_should_hold_files_in_directories() -> None:
    files = {"boot.py": b"import usb", "/lib/deep/module.py": bytes(range(256)) * 40, "empty": b""}
    image = make_image(files)
    assert read_image(image) == {name.lstrip("/"): content for name, content in files.items()}
    assert read_flash(bytes(FLASH_OFFSET) + image) == read_image(image)


def test_should_have_blocks_of_4096_bytes() -> None:
    image = make_image({})
    at = image.index(b"littlefs") + 12
    assert int.from_bytes(image[at + 4 : at + 8], "little") == 4096
    assert int.from_bytes(image[at + 8 : at + 12], "little") == 352


def test_should_make_the_same_image_each_time() -> None:
    files = {"boot.py": b"1", "main.py": b"2" * 5000}
    assert make_image(files) == make_image(files)


def test_should_say_what_does_not_fit() -> None:
    with pytest.raises(ImageError, match=r"big\.bin \(1441792 bytes\).*no space left"):
        make_image({"small": b"x", "big.bin": bytes(STORAGE_SIZE)})


def test_should_refuse_what_is_no_file_system() -> None:
    with pytest.raises(ImageError, match="no littlefs"):
        read_image(b"\xff" * STORAGE_SIZE)
    with pytest.raises(ImageError, match="100 bytes"):
        read_image(bytes(100))


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}\.py", fullmatch=True), st.binary(max_size=9000), max_size=5
    )
)
def test_should_give_back_what_was_put_in(files: dict[str, bytes]) -> None:
    assert read_image(make_image(files)) == files


def test_should_keep_what_an_image_holds_when_files_are_added() -> None:
    image = update_image(make_image({"kept": b"1", "lib/old.py": b"old"}), {"lib/old.py": b"new", "boot.py": b"2"})
    assert read_image(image) == {"kept": b"1", "lib/old.py": b"new", "boot.py": b"2"}


def test_should_format_a_flash_that_has_never_been_written() -> None:
    assert read_image(update_image(b"\xff" * STORAGE_SIZE, {"boot.py": b"1"})) == {"boot.py": b"1"}


def test_should_refuse_to_add_files_to_something_else() -> None:
    with pytest.raises(ImageError, match="no littlefs"):
        update_image(b"\x55" * STORAGE_SIZE, {"boot.py": b"1"})
