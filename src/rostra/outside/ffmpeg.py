"""Films and sounds, with the machine's own ffmpeg in processes with limits.

ffmpeg is told which reader to use for a file, by its first bytes, and that it may open files alone:
a playlist, or a list of parts to be joined, dressed as a film is no film to it, and so cannot make
it open other files of this machine or addresses of the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from rostra.domain.errors import Invalid
from rostra.domain.media import MAX_FILM_PIXELS, MAX_FILM_RATE, MediaKind
from rostra.domain.media_types import FILMS
from rostra.outside.programs import LIMITED, Programs, python
from rostra.ports import Made

MEMORY_BYTES: Final = 3 << 30
CPU_SECONDS: Final = 1_200
SECONDS: Final = 900.0
PROBE_SECONDS: Final = 20.0
OUTPUT_BYTES: Final = 400 << 20
PROBED_BYTES: Final = 1 << 20

KEPT_SIDE: Final = 1920
KEPT_RATE: Final = 60
MAX_LENGTH_S: Final = 3 * 60 * 60

_BARE: Final = (
    "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn",
    "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
)  # fmt: skip
_SCALED: Final = (
    f"scale='min({KEPT_SIDE},iw)':'min({KEPT_SIDE},ih)':force_original_aspect_ratio=decrease,"
    "scale='max(2,trunc(iw/2)*2)':'max(2,trunc(ih/2)*2)',setsar=1,format=yuv420p"
)


class Ffmpeg:
    """Runs ffmpeg and ffprobe.

    Args:
        programs: runs programs.
        ffmpeg: the path of ffmpeg.
        ffprobe: the path of ffprobe.
    """

    def __init__(self, programs: Programs, ffmpeg: str, ffprobe: str) -> None:
        self._programs = programs
        self._ffmpeg = ffmpeg
        self._ffprobe = ffprobe

    async def make(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a film or sound of a file.

        Raises:
            Invalid: it cannot be read, is too large or long, or takes too long.
        """
        reader = "gif" if type_ == "image/gif" else FILMS[type_]
        streams, length = await self._probe(source, reader, folder)
        picture = next((one for one in streams if one.get("codec_type") == "video"), None)
        sound = next((one for one in streams if one.get("codec_type") == "audio"), None)
        if picture is not None and picture.get("disposition", {}).get("attached_pic"):
            picture = None  # the cover of a record
        if type_.startswith("audio/") and type_ != "audio/ogg":
            picture = None
        if length > MAX_LENGTH_S:
            raise Invalid("it is too long: at most %(num)s hours", num=MAX_LENGTH_S // 3600)
        if picture is not None:
            _check_picture(picture)
            return await self._film(source, reader, folder, stem, sound is not None)
        if sound is None:
            raise Invalid("there is no picture and no sound in it")
        return await self._sound(source, reader, folder, stem)

    async def still(self, film: Path, target: Path) -> None:
        """Write the first picture of a film that was made here.

        Raises:
            Invalid: it has none.
        """
        await self._run(
            film, "mov", target, "-frames:v", "1", "-map", "0:v:0", "-f", "image2", "-c:v", "png"
        )

    async def _film(self, source: Path, reader: str, folder: Path, stem: str, sound: bool) -> Made:
        target = folder / f"{stem}.mp4"
        await self._run(
            source, reader, target,
            "-map", "0:v:0", *(("-map", "0:a:0") if sound else ()), *_BARE,
            "-vf", _SCALED, "-fpsmax", str(KEPT_RATE),
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-profile:v", "high",
            "-maxrate", "6M", "-bufsize", "12M",
            "-c:a", "aac", "-b:a", "128k", "-ac", "2",
            "-movflags", "+faststart", "-f", "mp4",
        )  # fmt: skip
        streams, length = await self._probe(target, "mov", folder)
        kind = MediaKind.GIFV if reader == "gif" else MediaKind.VIDEO
        return Made(
            kind=kind,
            files={target.name: target},
            file=target.name,
            meta=_film_meta(streams, length, target.stat().st_size),
        )

    async def _sound(self, source: Path, reader: str, folder: Path, stem: str) -> Made:
        target = folder / f"{stem}.mp3"
        await self._run(
            source, reader, target,
            "-map", "0:a:0", "-vn", *_BARE, "-c:a", "libmp3lame", "-q:a", "2", "-ac", "2",
            "-id3v2_version", "0", "-write_id3v1", "0", "-f", "mp3",
        )  # fmt: skip
        streams, length = await self._probe(target, "mp3", folder)
        return Made(
            kind=MediaKind.AUDIO,
            files={target.name: target},
            file=target.name,
            meta=_sound_meta(streams, length, target.stat().st_size),
        )

    async def _run(self, source: Path, reader: str, target: Path, *arguments: str) -> None:
        command = [
            self._ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-y",
            "-protocol_whitelist", "file", "-f", reader, "-i", _named(source),
            "-threads", "2", *arguments, _named(target),
        ]  # fmt: skip
        printed = target.with_name("printed")
        code = await self._programs.run(_limited(command), seconds=SECONDS, output=printed)
        if code or not _size(target):
            raise Invalid("it is damaged, or not what it begins as")

    async def _probe(
        self, source: Path, reader: str, folder: Path
    ) -> tuple[Sequence[Mapping[str, Any]], float]:
        """Return the streams of a file, and its length in seconds."""
        command = [
            self._ffprobe, "-hide_banner", "-loglevel", "quiet", "-protocol_whitelist", "file",
            "-f", reader, "-print_format", "json", "-show_format", "-show_streams", "-i",
            _named(source),
        ]  # fmt: skip
        printed = folder / "probe.json"
        code = await self._programs.run(
            _limited(command, PROBED_BYTES), seconds=PROBE_SECONDS, output=printed
        )
        try:
            found = msgspec.json.decode(printed.read_bytes(), type=dict[str, Any])
        except msgspec.DecodeError:
            found = {}
        if code or not found.get("streams"):
            raise Invalid("it is damaged, or not what it begins as")
        return found["streams"], _number(found.get("format", {}).get("duration"))


def _limited(command: Sequence[str], output: int = OUTPUT_BYTES) -> list[str]:
    return python(LIMITED, str(MEMORY_BYTES), str(CPU_SECONDS), str(output), *command)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _named(path: Path) -> str:
    return f"file:{path.absolute()}"


def _check_picture(picture: Mapping[str, Any]) -> None:
    width, height = int(picture.get("width") or 0), int(picture.get("height") or 0)
    if not width or not height:
        raise Invalid("it has no pixels")
    if width * height > MAX_FILM_PIXELS:
        raise Invalid(
            "%(width)sx%(height)s is too large: at most %(num)s pixels",
            width=width,
            height=height,
            num=MAX_FILM_PIXELS,
        )
    rate = _fraction(picture.get("avg_frame_rate"))
    if rate > MAX_FILM_RATE:
        raise Invalid(
            "it has %(num)s pictures a second: at most %(limit)s",
            num=f"{float(rate):.0f}",
            limit=MAX_FILM_RATE,
        )


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0


def _fraction(text: Any) -> Fraction:
    try:
        return Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02d}:{rest:05.2f}"


def _film_meta(streams: Sequence[Mapping[str, Any]], length: float, size: int) -> dict[str, Any]:
    picture = next(one for one in streams if one.get("codec_type") == "video")
    sound = next((one for one in streams if one.get("codec_type") == "audio"), None)
    width, height = int(picture["width"]), int(picture["height"])
    rate = _fraction(picture.get("avg_frame_rate"))
    bitrate = int(size * 8 / length) if length else 0
    meta: dict[str, Any] = {
        "length": _clock(length),
        "duration": length,
        "fps": round(float(rate)),
        "size": f"{width}x{height}",
        "width": width,
        "height": height,
        "aspect": round(width / height, 6),
        "original": {
            "width": width,
            "height": height,
            "frame_rate": f"{rate.numerator}/{rate.denominator}",
            "duration": length,
            "bitrate": bitrate,
        },
    }
    return meta | _heard(sound)


def _sound_meta(streams: Sequence[Mapping[str, Any]], length: float, size: int) -> dict[str, Any]:
    sound = next(one for one in streams if one.get("codec_type") == "audio")
    bitrate = int(size * 8 / length) if length else 0
    return {
        "length": _clock(length),
        "duration": length,
        "original": {"duration": length, "bitrate": bitrate},
        **_heard(sound),
    }


def _heard(sound: Mapping[str, Any] | None) -> dict[str, Any]:
    if sound is None:
        return {}
    return {
        "audio_encode": str(sound.get("codec_name", "")),
        "audio_bitrate": f"{sound.get('sample_rate', '0')} Hz",
        "audio_channels": str(sound.get("channel_layout") or sound.get("channels") or ""),
    }
