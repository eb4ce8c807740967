"""Files of media in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rostra.domain.errors import Unavailable
from rostra.outside.files import LocalFiles


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "media")


async def kept(files: LocalFiles, data: bytes = b"ships") -> str:
    """Keep a file and return its key."""
    path, key = files.temporary(), files.new_key()
    path.write_bytes(data)
    await files.put(key, {"original.png": path})
    assert not path.exists()
    return key


async def test_a_file_is_kept_read_and_removed(files: LocalFiles) -> None:
    key = await kept(files)
    opened = await files.open(key, "original.png")
    assert opened is not None
    assert opened.size == 5
    assert await opened.read(1, 3) == b"hip"
    assert await opened.read(9, 3) == b""
    opened.close()
    assert (await files.local(key, "original.png")).read_bytes() == b"ships"
    await files.remove(key, "original.png")
    await files.remove(key, "original.png")
    assert await files.open(key, "original.png") is None
    await files.remove(key)
    await files.remove(key)


async def test_no_name_leads_out_of_the_folder(files: LocalFiles, tmp_path: Path) -> None:
    key = await kept(files)
    (tmp_path / "secret.png").write_bytes(b"secret")
    place = files.folder / key[:2] / key
    os.symlink(tmp_path / "secret.png", place / "link.png")
    for asked, name in (
        (key, "../../../secret.png"),
        (key, "link.png"),
        (key, ""),
        (key, "."),
        (key, "a/b.png"),
        ("..", "secret.png"),
        ("0" * 31, "original.png"),
        (key.upper(), "original.png"),
        (f"{key}\n", "original.png"),
    ):
        found = None
        try:
            found = await files.open(asked, name)
        except Unavailable:  # a link is not followed
            assert name == "link.png"
        assert found is None
    for wrong in ("..", f"{key}/..", ""):
        with pytest.raises(ValueError, match="is no key"):
            await files.remove(wrong)
    with pytest.raises(ValueError, match="no name"):
        await files.put(key, {"../x": tmp_path / "secret.png"})


def on_another_disk(path: Path) -> Path:
    """Return a path in memory, which is a disk of its own wherever tests run on a real one."""
    memory = Path("/dev/shm")
    return memory if memory.stat().st_dev != path.stat().st_dev else path


async def test_a_file_of_another_disk_is_copied(files: LocalFiles, tmp_path: Path) -> None:
    elsewhere = on_another_disk(tmp_path) / f"rostra-{files.new_key()}"
    elsewhere.write_bytes(b"film")
    key = files.new_key()
    await files.put(key, {"upload": elsewhere})
    assert not elsewhere.exists()
    assert (await files.local(key, "upload")).read_bytes() == b"film"
    assert list((files.folder / "incoming").glob("*")) == []


async def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"")
    files = LocalFiles(tmp_path / "media")
    with pytest.raises(Unavailable):
        files.temporary()
    source = tmp_path / "a"
    source.write_bytes(b"x")
    with pytest.raises(Unavailable):
        await files.put(files.new_key(), {"a.png": source})
