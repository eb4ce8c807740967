"""Makes what is served of what was uploaded; fulfils ``ports.MediaMaker``.

Everything is decoded and encoded anew: what is served holds pixels and sound and nothing else that
came with them, so that a file that is two things at once is one thing afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from rostra.domain.errors import Invalid, Unavailable
from rostra.domain.media import MAX_PICTURE_PIXELS, MediaKind
from rostra.domain.media_types import FILMS, PICTURES
from rostra.outside.ffmpeg import Ffmpeg
from rostra.outside.programs import HERE, Programs, python
from rostra.ports import Made

PICTURE_SECONDS: Final = 60.0
PROGRAM: Final = HERE / "image_process.py"
MAX_ANSWER: Final = 65_536


class Maker:
    """Makes pictures itself, films and sounds with ffmpeg where that is installed.

    Args:
        at_once: how many files are worked on at once in this process.
        ffmpeg: look for ffmpeg; tests go without.
    """

    def __init__(self, *, at_once: int = 2, ffmpeg: bool = True) -> None:
        self._programs = Programs(at_once)
        programs = shutil.which("ffmpeg"), shutil.which("ffprobe")
        self._ffmpeg: Ffmpeg | None = None
        if ffmpeg and programs[0] and programs[1]:
            self._ffmpeg = Ffmpeg(Programs(1), programs[0], programs[1])

    @property
    def films(self) -> bool:
        """Whether films and sounds can be made."""
        return self._ffmpeg is not None

    @property
    def types(self) -> tuple[str, ...]:
        """The media types that can be uploaded."""
        return (*PICTURES, *(FILMS if self.films else ()))

    async def picture(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a picture and its preview; see ``ports.MediaMaker``."""
        answer = await self._make(source, type_, folder, stem, want="attachment")
        return _made(answer, folder)

    async def preview(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a preview alone; see ``ports.MediaMaker``."""
        return _made(await self._make(source, type_, folder, stem, want="preview"), folder)

    async def fitted(
        self, source: Path, type_: str, folder: Path, stem: str, size: tuple[int, int]
    ) -> Made:
        """Make a picture of exactly one size; see ``ports.MediaMaker``."""
        answer = await self._make(source, type_, folder, stem, want="fitted", size=size)
        return _made(answer, folder)

    async def film(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a film or sound, and a preview of a film; see ``ports.MediaMaker``."""
        if self._ffmpeg is None:
            raise Invalid("this server takes pictures alone")
        made = await self._ffmpeg.make(source, type_, folder, stem)
        if made.kind == MediaKind.AUDIO:
            return made
        still = folder / "still.png"
        await self._ffmpeg.still(folder / made.file, still)
        small = await self.preview(still, "image/png", folder, f"{stem}-small")
        return msgspec.structs.replace(
            made,
            files={**made.files, **small.files},
            preview=small.preview,
            blurhash=small.blurhash,
            meta={**made.meta, **small.meta},
        )

    async def _make(
        self, source: Path, type_: str, folder: Path, stem: str, **wanted: Any
    ) -> Mapping[str, Any]:
        given = {
            "source": absolute(source),
            "name": PICTURES[type_],
            "folder": absolute(folder),
            "stem": stem,
            "max_pixels": MAX_PICTURE_PIXELS,
            **wanted,
        }
        printed = folder / "answer.json"
        command = python(PROGRAM, msgspec.json.encode(given).decode())
        await self._programs.run(command, seconds=PICTURE_SECONDS, output=printed)
        try:
            answer = msgspec.json.decode(printed.read_bytes()[:MAX_ANSWER], type=dict[str, Any])
        except (msgspec.DecodeError, OSError):  # it died: a decoder broke, or a limit was reached
            raise Invalid("it is damaged, or takes too much to read") from None
        if "full" in answer:
            raise Unavailable("The server's disk is full; nothing was changed. Try again later")
        if "refused" in answer:
            raise Invalid("%(why)s", why=str(answer["refused"]))
        return answer


def absolute(path: Path) -> str:
    """Return a path that a program elsewhere finds."""
    return str(path.absolute())


def _made(answer: Mapping[str, Any], folder: Path) -> Made:
    names = [answer[name] for name in ("file", "preview", "static") if name in answer]
    return Made(
        kind=MediaKind.IMAGE,
        files={name: folder / name for name in names},
        file=answer.get("file", ""),
        preview=answer.get("preview", ""),
        blurhash=answer["blurhash"],
        meta=answer.get("meta", {}),
        moving=answer.get("frames", 1) > 1,
    )
