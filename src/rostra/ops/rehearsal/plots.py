"""The plots of a report: SVG that takes its ink from the page around it, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from math import floor
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from msgspec import Struct

from rostra.ops.rehearsal import figures
from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.looks import LOOKS
from rostra.ops.rehearsal.record import Mark, Record
from rostra.ops.rehearsal.watching import OWN, VISITORS

INK: Final = "#010203"
"""Stands for the colour of the text around the picture, which is put in at the end."""
COLOURS: Final = ("#3b82c4", "#d97706", "#2a9d6f", "#b0509e", "#7a7f87", "#c2413b")
"""Read on white as on black, and told apart by those who see no red or no green."""
SIZE: Final = (4.9, 3.3)
BINS: Final = 60
SHORTEST_BIN_S: Final = 0.25
NEAR: Final = 0.05
"""Marks nearer to each other than this part of the width share a label."""

STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rehearsal",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": COLOURS[4],
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 10,
}


class Plot(Struct, frozen=True, kw_only=True):
    """A picture: its name, what it is called, in words what is seen on it, and its SVG."""

    name: str
    title: str
    words: str
    svg: str


def plots(record: Record) -> list[Plot]:
    """Return the plots there is something to show in."""
    found = []
    if record.marks and any(act.at >= record.marks[0].at for act in record.acts):
        found += [_throughput(record), _latency(record)]
    if record.shown and record.course.cut_over_at is not None:
        found.append(_to_right(record))
    if len(record.samples) > 1:
        found += [_memory(record), _cpu(record)]
    return found


def letters(marks: Sequence[Mark]) -> list[tuple[str, Mark]]:
    """Return the marks, each with the letter it has in the plots."""
    return [(chr(ord("A") + number % 26), mark) for number, mark in enumerate(marks)]


# -- drawing ---------------------------------------------------------------------------------------


def _draw(name: str, title: str, words: str, fill: Callable[[Axes], None]) -> Plot:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        fill(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return Plot(name=name, title=title, words=words, svg=_inline(out.getvalue(), name, words))


def _inline(svg: str, name: str, words: str) -> str:
    """Return an SVG as it stands in a page: no prolog, no links, ids of its own, the page's ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(?:xmlns(?::\w+)?)="[^"]*"', "", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg)
    svg = svg.replace(INK, "currentColor")
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height|version)="[^"]*"', "", head)
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{head} role="img" aria-label="{label}">{rest}'.strip()


def _marked(axes: Axes, record: Record) -> None:
    """Draw the steps of the event, with their letters above."""
    begin, end = record.marks[0].at, max(record.ended, record.marks[-1].at)
    width = max(end - begin, 1e-3)
    labels: list[tuple[float, str]] = []
    for letter, mark in letters(record.marks):
        at = mark.at - begin
        axes.axvline(at, color=INK, linewidth=0.8, linestyle=":", alpha=0.7)
        if labels and at - labels[-1][0] < NEAR * width:
            labels[-1] = (labels[-1][0], labels[-1][1] + letter)
        else:
            labels.append((at, letter))
    for at, text in labels:
        axes.annotate(
            text, (at, 1.0), (0, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", fontsize=10,
        )  # fmt: skip
    axes.set_xlim(0, width)
    axes.set_xlabel("seconds since the visits began")


def _bins(record: Record) -> tuple[float, float, int]:
    """Return where time begins in the plots, how long a bin is, and how many there are."""
    begin = record.marks[0].at
    span = max(act.at for act in record.acts) - begin
    size = max(SHORTEST_BIN_S, span / BINS)
    return begin, size, int(span / size) + 1


def _binned(acts: Sequence[Act], begin: float, size: float, bins: int) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in range(bins)]
    for act in acts:
        number = floor((act.at - begin) / size)
        if 0 <= number < bins:
            found[number].append(act.ms)
    return found


def _throughput(record: Record) -> Plot:
    begin, size, bins = _bins(record)
    ats = [(number + 0.5) * size for number in range(bins)]
    kinds = [
        [len(one) / size for one in _binned(acts, begin, size, bins)]
        for acts in (
            [act for act in record.acts if not act.star],
            [act for act in record.acts if act.star],
        )
    ]

    def fill(axes: Axes) -> None:
        names = ("others", "the star's audience")
        axes.stackplot(ats, kinds, labels=names, colors=COLOURS[:2], alpha=0.75, linewidth=0)
        axes.set_ylabel("requests a second")
        axes.set_ylim(bottom=0)
        _marked(axes, record)

    most = max(map(sum, zip(*kinds, strict=True)))
    words = f"Requests a second through the event, at most {most:,.0f}."
    return _draw("throughput", "How many visited", words, fill)


def _latency(record: Record) -> Plot:
    begin, size, bins = _bins(record)
    filled = [
        ((number + 0.5) * size, one)
        for number, one in enumerate(_binned(record.acts, begin, size, bins))
        if one
    ]

    def fill(axes: Axes) -> None:
        ats = [at for at, _ in filled]
        for share, name, colour in ((0.99, "99 of 100", 1), (0.5, "half", 0)):
            values = [max(0.1, figures.percentile(one, share)) for _, one in filled]
            axes.plot(ats, values, label=name, color=COLOURS[colour], linewidth=1.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("answered within, ms")
        _marked(axes, record)

    worst = max(figures.percentile(one, 0.99) for _, one in filled)
    words = (
        f"How long visitors waited through the event: half of them, and 99 of 100, who waited "
        f"{worst:,.0f} ms at the worst moment."
    )
    return _draw("latency", "How long they waited", words, fill)


def _to_right(record: Record) -> Plot:
    found = figures.to_right(record.shown, record.course.cut_over_at)
    workers = sorted({worker for one in found.values() for worker in one})

    def fill(axes: Axes) -> None:
        height = 0.8 / max(1, len(workers))
        for number, worker in enumerate(workers):
            views = [index for index, look in enumerate(LOOKS) if worker in found[look]]
            widths = [found[look][worker] for look in LOOKS if worker in found[look]]
            places = [index + (number - (len(workers) - 1) / 2) * height for index in views]
            colour = COLOURS[number % len(COLOURS)]
            axes.barh(places, widths, height * 0.9, label=f"worker {worker}", color=colour)
        axes.set_yticks(range(len(LOOKS)), list(LOOKS.values()))
        axes.invert_yaxis()
        axes.set_xlabel("ms after the cut-over")
        axes.grid(axis="y", visible=False)

    slowest = max((ms for one in found.values() for ms in one.values()), default=0.0)
    words = f"Time until each view was right in each worker, at most {slowest:,.0f} ms."
    return _draw("right", "How soon each view was right", words, fill)


def _servers(record: Record) -> list[str]:
    """Return the names of the server's processes."""
    return [name for name in record.samples[0].memory if name not in (VISITORS, OWN)]


def _memory(record: Record) -> Plot:
    words = "Memory of each process of the server through the event: " + ", ".join(
        f"{name} at most {figures.memory(record)[name]['most']:,.0f} MB"
        for name in _servers(record)
    )

    def fill(axes: Axes) -> None:
        begin = record.marks[0].at if record.marks else record.samples[0].at
        for colour, name in enumerate(_servers(record)):
            ats = [one.at - begin for one in record.samples if name in one.memory]
            sizes = [one.memory[name] / figures.MB for one in record.samples if name in one.memory]
            axes.plot(ats, sizes, label=name, color=COLOURS[colour % len(COLOURS)], linewidth=1.8)
        axes.set_ylabel("memory, MB")
        axes.set_ylim(bottom=0)
        if record.marks:
            _marked(axes, record)

    return _draw("memory", "Memory of each process", f"{words}.", fill)


def _cpu(record: Record) -> Plot:
    pairs = list(zip(record.samples, record.samples[1:], strict=False))
    cores = record.machine["cores"] or 1

    def fill(axes: Axes) -> None:
        begin = record.marks[0].at if record.marks else record.samples[0].at
        for colour, name in enumerate(_servers(record)):
            both = [(a, b) for a, b in pairs if name in a.cpu and name in b.cpu]
            ats = [b.at - begin for _, b in both]
            used = [max(0.0, b.cpu[name] - a.cpu[name]) / (b.at - a.at) for a, b in both]
            axes.plot(ats, used, label=name, color=COLOURS[colour % len(COLOURS)], linewidth=1.4)
        busy = [b.busy * cores for _, b in pairs]
        axes.plot(
            [b.at - begin for _, b in pairs], busy, label="machine", color=INK, linewidth=1,
            linestyle="--", alpha=0.6,
        )  # fmt: skip
        axes.set_ylabel(f"processors of {cores}")
        axes.set_ylim(0, cores * 1.05)
        if record.marks:
            _marked(axes, record)

    told = ", ".join(f"{name} {seconds:,.1f} s" for name, seconds in figures.cpu(record).items())
    words = f"Processors in use through the event. Processor time in all: {told}."
    return _draw("cpu", "Processors in use", words, fill)
