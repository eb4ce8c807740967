"""The command line of the benchmarks: ``python -m bench sets --members 1000000``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct
from rich.console import Console

from bench import table
from bench.harness import Bench, stop_on_signals
from bench.results import RESULTS

KEEP_WORLDS: Final = frozenset({"amnesty", "rehearsal"})
"""Benchmarks whose world takes minutes to build and is the same after a run."""


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit code."""
    stop_on_signals()
    options = parser().parse_args(arguments)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 160)
    try:
        if options.bench == "table":
            path = table.write(options.results)
            console.print(f"written: {path.name}")
        else:
            names = table.ORDER if options.bench == "all" else (options.bench,)
            for name in names:
                run(name, options, console)
            if options.bench == "all":
                table.write(options.results)
    except KeyboardInterrupt:
        console.print("interrupted; servers are stopped and work folders removed")
        return 130
    return 0


def run(name: str, options: argparse.Namespace, console: Console) -> None:
    """Run one benchmark and write its results."""
    module = importlib.import_module(f"bench.{name}")
    start = module.SMALL if options.small else module.Sizes()
    given = {
        field: value
        for field in module.Sizes.__struct_fields__
        if (value := getattr(options, field, None)) is not None
    }
    sizes: Struct = msgspec.structs.replace(start, **given)
    full = msgspec.structs.replace(sizes, seed=0) == msgspec.structs.replace(module.Sizes(), seed=0)
    with Bench(
        name,
        _told(sizes),
        full=full,
        work=options.work,
        out=options.results,
        keep=options.keep,
        world=getattr(options, "world", None),
        console=console,
    ) as bench:
        module.run(bench, sizes)


def _told(sizes: Struct) -> dict[str, Any]:
    """Return the sizes as results tell them: a file by its name, not by where it lay."""
    told: dict[str, Any] = msgspec.to_builtins(sizes)
    return {name: Path(v).name if isinstance(v, str) else v for name, v in told.items()}


def parser() -> argparse.ArgumentParser:
    """Return the parser: a command for each benchmark, an option for each of its sizes."""
    top = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = top.add_subparsers(dest="bench", required=True, metavar="BENCH")
    for name in table.ORDER:
        module = importlib.import_module(f"bench.{name}")
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        _add_common(command)
        if name in KEEP_WORLDS:
            told = "keep the world in this folder, or use the one that is there"
            command.add_argument("--world", type=Path, metavar="DIR", help=told)
        hints = get_type_hints(module.Sizes)
        for field in msgspec.structs.fields(module.Sizes):
            command.add_argument(
                f"--{field.name.replace('_', '-')}",
                type=_reader(hints[field.name]),
                metavar=_metavar(field.default),
                help=f"(default {_metavar(field.default)})",
            )
    every = commands.add_parser("all", help="all of them, and the table")
    _add_common(every)
    rendered = commands.add_parser("table", help="write docs/figures.md from bench/results")
    rendered.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    return top


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--work", type=Path, metavar="DIR", help="work below this folder")
    command.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    command.add_argument("--keep", action="store_true", help="leave the work folder behind")
    command.add_argument("--small", action="store_true", help="tiny sizes, to try it out")


def _reader(kind: Any) -> Callable[[str], Any]:
    """Return what turns an option's text into a value; lists are written 1,16,64."""
    if kind == tuple[int, ...]:
        return lambda text: tuple(int(part) for part in text.split(","))
    reader: Callable[[str], Any] = kind
    return reader


def _metavar(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    sys.exit(main())
