"""Makes pictures of pictures, in a process of its own with limits on memory, time and output.

Run as a program: one JSON object on the command line says what to make, one on standard output what
was made. What decodes files of strangers shares no memory with the server; when a decoder goes
wrong, this process dies and the server says that the picture cannot be read.

This file imports nothing of Rostra, so that it starts at once.
"""

from __future__ import annotations

import errno
import io
import json
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 30
OUTPUT_BYTES = 64 << 20

MAX_SIDE = 16_000
KEPT_PIXELS = 3840 * 2160
PREVIEW_PIXELS = 640 * 360
MAX_FRAMES = 1_000
MAX_FRAME_PIXELS = 400_000_000
MAX_LOOPING_FRAMES = 200


DAMAGED = "it is damaged, or not what it begins as"


class Refused(Exception):
    """The picture cannot be taken, and why."""


def limit() -> None:
    """Bound what this process may use."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


limit()

import blurhash  # noqa: E402
from PIL import Image, ImageCms, ImageOps  # noqa: E402


def opened(path: str, name: str, max_pixels: int) -> Image.Image:
    """Return a picture whose head was read, when it is not too large to be decoded."""
    picture = Image.open(path, formats=[name])
    width, height = picture.size
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise Refused(f"{width}x{height} is too large: at most {max_pixels} pixels")
    if not width or not height:
        raise Refused("it has no pixels")
    return picture


def frames_of(picture: Image.Image) -> int:
    """Return how many frames a picture has, when they are not too many."""
    if picture.format != "GIF":
        return 1  # of moving pictures of other kinds the first frame is shown
    frames = 1
    try:
        while frames <= MAX_FRAMES:
            picture.seek(frames)
            frames += 1
    except EOFError:
        pass
    picture.seek(0)
    width, height = picture.size
    if frames > MAX_FRAMES or frames * width * height > MAX_FRAME_PIXELS:
        raise Refused(f"it has too many frames: at most {MAX_FRAMES}, and fewer of large ones")
    return frames


def upright(picture: Image.Image) -> Image.Image:
    """Return the pixels in sRGB, the right way up, with nothing else that came with them."""
    picture.load()
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        picture = picture.convert("F").point(lambda value: value / 256).convert("L")
    alpha = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    if profile:
        picture = in_srgb(picture, profile, alpha)
    mode = "RGBA" if alpha else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    clean = Image.new(mode, picture.size)
    clean.paste(picture)
    if alpha and clean.getchannel("A").getextrema()[0] == 255:
        return clean.convert("RGB")
    return clean


def in_srgb(picture: Image.Image, profile: bytes, alpha: bool) -> Image.Image:
    """Return a picture with its colours in sRGB; as it is where its profile cannot be read."""
    if picture.mode in ("P", "PA", "LA", "L", "1"):
        picture = picture.convert("RGBA" if alpha else "RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        found = ImageCms.profileToProfile(picture, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return picture if found is None else found


def within(picture: Image.Image, pixels: int) -> Image.Image:
    """Return a picture made smaller until it has at most so many pixels."""
    width, height = picture.size
    if width * height <= pixels:
        return picture
    scale = (pixels / (width * height)) ** 0.5
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def save(picture: Image.Image, folder: Path, stem: str, name: str) -> str:
    """Write a picture without metadata and return the name of its file."""
    alpha = picture.mode == "RGBA"
    if name == "JPEG" and not alpha:
        picture.save(folder / f"{stem}.jpg", "JPEG", quality=88, optimize=True, progressive=True)
        return f"{stem}.jpg"
    if name == "WEBP":
        picture.save(folder / f"{stem}.webp", "WEBP", quality=86, method=3)
        return f"{stem}.webp"
    picture.save(folder / f"{stem}.png", "PNG", compress_level=6)
    return f"{stem}.png"


def measures(picture: Image.Image) -> dict[str, Any]:
    """Return the size of a picture as the Mastodon API tells it."""
    width, height = picture.size
    return {
        "width": width,
        "height": height,
        "size": f"{width}x{height}",
        "aspect": round(width / height, 6),
    }


def hashed(picture: Image.Image) -> str:
    """Return the BlurHash of a picture (https://blurha.sh/)."""
    small = picture.convert("RGB")
    small.thumbnail((64, 64))
    across, down = (4, 3) if small.width >= small.height else (3, 4)
    return str(blurhash.encode(small, x_components=across, y_components=down))


KINDS = {"JPEG": "JPEG", "PNG": "PNG", "GIF": "PNG", "WEBP": "WEBP", "AVIF": "WEBP"}
"""What a picture becomes, by what it was."""


def attachment(picture: Image.Image, folder: Path, stem: str) -> dict[str, Any]:
    """Make what a status shows: the picture, its preview, its BlurHash."""
    name = KINDS[picture.format or "PNG"]
    pixels = within(upright(picture), KEPT_PIXELS)
    small = within(pixels, PREVIEW_PIXELS)
    return {
        "file": save(pixels, folder, stem, name),
        "preview": save(small, folder, f"{stem}-small", "WEBP" if small.mode == "RGBA" else "JPEG"),
        "blurhash": hashed(small),
        "meta": {"original": measures(pixels), "small": measures(small)},
    }


def preview(picture: Image.Image, folder: Path, stem: str) -> dict[str, Any]:
    """Make a preview alone."""
    small = within(upright(picture), PREVIEW_PIXELS)
    return {
        "preview": save(small, folder, stem, "WEBP" if small.mode == "RGBA" else "JPEG"),
        "blurhash": hashed(small),
        "meta": {"small": measures(small)},
    }


def fitted(
    picture: Image.Image, folder: Path, stem: str, size: tuple[int, int], frames: int
) -> dict[str, Any]:
    """Make a picture of exactly one size, cut at its edges; one that moves with a still one."""
    if frames > 1:
        return moving(picture, folder, stem, size, min(frames, MAX_LOOPING_FRAMES))
    name = KINDS[picture.format or "PNG"]
    cut = ImageOps.fit(upright(picture), size, Image.Resampling.LANCZOS)
    return {"file": save(cut, folder, stem, name), "blurhash": hashed(cut)}


def moving(
    picture: Image.Image, folder: Path, stem: str, size: tuple[int, int], frames: int
) -> dict[str, Any]:
    """Make a picture that moves, and a still one whose name ends in ``-static``."""
    shown, durations = [], []
    for number in range(frames):
        picture.seek(number)
        durations.append(max(20, int(picture.info.get("duration", 100))))
        shown.append(ImageOps.fit(picture.convert("RGBA"), size, Image.Resampling.LANCZOS))
    still = save(shown[0], folder, f"{stem}-static", "PNG")
    shown[0].save(
        folder / f"{stem}.gif",
        "GIF",
        save_all=True,
        append_images=shown[1:],
        duration=durations,
        loop=0,
        disposal=2,
    )
    return {"file": f"{stem}.gif", "static": still, "blurhash": hashed(shown[0])}


def make(given: dict[str, Any]) -> dict[str, Any]:
    """Make what is asked for and return what it is."""
    folder, stem, want = Path(given["folder"]), given["stem"], given["want"]
    picture = opened(given["source"], given["name"], given["max_pixels"])
    frames = frames_of(picture)
    if want == "preview":
        return preview(picture, folder, stem)
    if want == "attachment":
        return {**attachment(picture, folder, stem), "frames": frames}
    return fitted(picture, folder, stem, tuple(given["size"]), frames)


def main() -> int:
    """Do what the command line says; exit code 3 says that the picture was refused."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    given = json.loads(sys.argv[1])
    Image.MAX_IMAGE_PIXELS = given["max_pixels"]
    try:
        made = make(given)
    except Refused as refused:
        made = {"refused": str(refused)}
    except MemoryError:
        made = {"refused": "it takes too much memory to read"}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        made = {"refused": f"it is too large: at most {given['max_pixels']} pixels"}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        made = {"full": True} if full else {"refused": DAMAGED}
    except Exception:  # decoders raise whatever they like on what they cannot read
        made = {"refused": DAMAGED}
    json.dump(made, sys.stdout)
    return 3 if "refused" in made else 0


if __name__ == "__main__":
    sys.exit(main())
