"""Pictures for the demonstration, drawn by rule: portraits, a sky, shelves, a detector."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
PORTRAIT: Final = 400
WIDE: Final = (1500, 500)
TALL: Final = (1200, 900)

_GROUNDS: Final[dict[str, tuple[Colour, Colour, Colour]]] = {
    "ada": ((238, 205, 150), (140, 47, 57), (60, 30, 36)),
    "mina": ((196, 214, 204), (47, 93, 87), (24, 48, 46)),
    "stella": ((60, 52, 92), (224, 170, 90), (250, 236, 200)),
    "ines": ((240, 196, 170), (92, 118, 160), (40, 54, 84)),
    "kofi": ((222, 206, 178), (96, 72, 50), (44, 34, 26)),
    "yuki": ((226, 226, 232), (176, 64, 60), (48, 44, 56)),
    "nadia": ((52, 74, 78), (206, 140, 84), (240, 226, 206)),
    "luca": ((206, 222, 190), (120, 140, 70), (60, 66, 40)),
}


def _shade(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """Return a picture that goes from one colour at the top to another at the bottom."""
    strip = Image.new("RGB", (1, 64))
    for y in range(64):
        part = y / 63
        mixed = tuple(round(a + (b - a) * part) for a, b in zip(top, bottom, strict=True))
        strip.putpixel((0, y), mixed)
    return strip.resize(size, Image.Resampling.BICUBIC)


def portrait(name: str) -> Image.Image:
    """Return a head and shoulders in one of the cast's colours."""
    ground, coat, hair = _GROUNDS[name]
    chance = Random(name)
    big = PORTRAIT * 2
    picture = _shade((big, big), ground, tuple(max(0, one - 40) for one in ground))  # type: ignore[arg-type]
    draw = ImageDraw.Draw(picture)
    skin = chance.choice([(232, 190, 160), (150, 100, 72), (110, 74, 54), (240, 206, 178)])
    middle = big // 2
    draw.ellipse((middle - 330, 560, middle + 330, 1300), fill=coat)
    draw.rectangle((middle - 62, 430, middle + 62, 640), fill=skin)
    wide = chance.randint(190, 250)
    draw.ellipse((middle - wide, 130, middle + wide, 130 + 2 * wide), fill=hair)
    draw.ellipse((middle - 160, 190, middle + 160, 560), fill=skin)
    fringe = chance.randint(250, 320)
    draw.chord((middle - 172, 170, middle + 172, fringe + 130), 180, 360, fill=hair)
    for side in (-62, 62):
        draw.ellipse((middle + side - 13, 356, middle + side + 13, 382), fill=(40, 30, 30))
    draw.arc((middle - 60, 400, middle + 60, 480), 25, 155, fill=(120, 60, 56), width=8)
    return picture.resize((PORTRAIT, PORTRAIT), Image.Resampling.LANCZOS)


def night(size: tuple[int, int] = TALL) -> Image.Image:
    """Return a clear sky over roofs and a river."""
    width, height = size
    picture = _shade(size, (14, 18, 44), (86, 74, 112))
    draw = ImageDraw.Draw(picture)
    chance = Random("night")
    for _ in range(420):
        x, y = chance.randrange(width), chance.randrange(height * 2 // 3)
        bright = chance.randint(120, 255)
        radius = chance.choice([0, 0, 0, 1, 1, 2])
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(bright,) * 3)
    draw.ellipse((width * 0.72, height * 0.1, width * 0.8, height * 0.1 + width * 0.08), "#f4ecd2")
    x = 0
    while x < width:
        wide, high = chance.randint(40, 120), chance.randint(90, 260)
        roof = height - high
        draw.rectangle((x, roof, x + wide, height), fill=(28, 22, 36))
        draw.polygon([(x - 6, roof), (x + wide / 2, roof - 36), (x + wide + 6, roof)], "#3a2430")
        for row in range(roof + 24, height - 20, 44):
            for column in range(x + 12, x + wide - 14, 28):
                if chance.random() < 0.3:
                    draw.rectangle((column, row, column + 10, row + 16), fill=(240, 196, 110))
        x += wide
    return picture


def detector(size: tuple[int, int] = TALL) -> Image.Image:
    """Return a cut through a round detector of eleven layers, with tracks."""
    width, height = size
    picture = Image.new("RGB", size, (246, 240, 228))
    draw = ImageDraw.Draw(picture)
    middle = (width / 2, height / 2)
    tones = [(140, 47, 57), (201, 130, 43), (47, 93, 87), (91, 63, 120), (45, 86, 120)]
    for layer in range(11):
        radius = height * 0.47 * (11 - layer) / 11
        tone = tones[layer % len(tones)]
        light = tuple(min(255, part + 70 - 6 * layer) for part in tone)
        box = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
        draw.ellipse(box, fill=light, outline=(60, 44, 36), width=3)
        for cut in range(32):
            angle = math.tau * (cut + layer / 2) / 32
            inner = radius - height * 0.47 / 11
            draw.line(
                (
                    middle[0] + inner * math.cos(angle),
                    middle[1] + inner * math.sin(angle),
                    middle[0] + radius * math.cos(angle),
                    middle[1] + radius * math.sin(angle),
                ),
                fill=(60, 44, 36),
                width=1,
            )
    chance = Random("tracks")
    for _ in range(26):
        angle, bend = chance.uniform(0, math.tau), chance.uniform(-1.2, 1.2)
        path = []
        for step in range(40):
            far = height * 0.46 * step / 39 * chance.uniform(0.995, 1)
            turn = angle + bend * step / 39
            path.append((middle[0] + far * math.cos(turn), middle[1] + far * math.sin(turn)))
        draw.line(path, fill=(255, 248, 214), width=4, joint="curve")
    return picture


def shelves(size: tuple[int, int] = TALL) -> Image.Image:
    """Return shelves of books."""
    width, height = size
    picture = _shade(size, (92, 66, 46), (58, 40, 30))
    draw = ImageDraw.Draw(picture)
    chance = Random("shelves")
    tones = ["#8c2f39", "#c9822b", "#2f5d57", "#5b3f78", "#2d5678", "#d9c7a4", "#4d6530", "#6d3b34"]
    for row in range(4):
        floor = height * (row + 1) // 4 - 22
        draw.rectangle((0, floor, width, floor + 18), fill=(122, 88, 60))
        x = 16
        while x < width - 40:
            wide, high = chance.randint(18, 52), chance.randint(120, 186)
            tone = chance.choice(tones)
            draw.rectangle((x, floor - high, x + wide, floor), fill=tone, outline=(40, 28, 20))
            draw.line((x + 4, floor - high + 22, x + wide - 4, floor - high + 22), "#f0dfb8", 3)
            x += wide + (chance.randint(10, 70) if chance.random() < 0.08 else 2)
    return picture


def hills(size: tuple[int, int] = WIDE, seed: str = "hills") -> Image.Image:
    """Return hills behind hills in the evening."""
    width, height = size
    chance = Random(seed)
    picture = _shade(size, (224, 150, 96), (250, 224, 180))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.6, height * 0.2, width * 0.6 + 120, height * 0.2 + 120), fill="#fff2c8")
    for layer in range(5):
        base, swing = height * (0.5 + 0.11 * layer), height * 0.09
        shift, stretch = chance.uniform(0, 9), chance.uniform(140, 320)
        line = [
            (x, base + swing * math.sin(x / stretch + shift) + 14 * math.sin(x / 47 + shift))
            for x in range(0, width + 10, 10)
        ]
        tone = (150 - 22 * layer, 92 - 12 * layer, 88 - 10 * layer)
        draw.polygon([*line, (width, height), (0, height)], fill=tone)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def rostra(size: tuple[int, int] = WIDE) -> Image.Image:
    """Return ships' prows before a row of columns."""
    width, height = size
    picture = _shade(size, (244, 232, 212), (214, 186, 150))
    draw = ImageDraw.Draw(picture)
    for x in range(40, width, 150):
        draw.rectangle((x, 70, x + 46, height - 150), fill=(232, 216, 190), outline=(168, 138, 104))
        draw.rectangle((x - 10, 50, x + 56, 74), fill=(222, 202, 172), outline=(168, 138, 104))
    draw.rectangle((0, height - 160, width, height), fill=(196, 162, 122))
    for x in range(110, width, 260):
        top = height - 120
        draw.polygon(
            [
                (x, top),
                (x + 120, top + 10),
                (x + 150, top + 46),
                (x + 104, top + 62),
                (x, top + 62),
            ],
            fill=(140, 47, 57),
            outline=(84, 26, 32),
        )
        draw.ellipse((x + 36, top + 18, x + 58, top + 40), fill=(246, 226, 180))
    return picture


PORTRAITS: Final = tuple(_GROUNDS)
HEADERS: Final[dict[str, Callable[[], Image.Image]]] = {
    "ada": rostra,
    "stella": lambda: night(WIDE),
    "ines": hills,
}


def saved(picture: Image.Image, path: Path) -> Path:
    """Write a picture to a path, as a PNG, and return the path."""
    picture.save(path, "PNG")
    return path
