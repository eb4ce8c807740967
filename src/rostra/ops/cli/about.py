"""``rostra rule``, ``rostra text`` and ``rostra search``: what the server says, and finds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from cyclopts import App

from rostra.domain.errors import Invalid, NotFound
from rostra.ops.cli.common import HERE, Folder, command, opened
from rostra.services.discovery import search as words
from rostra.services.server import about

rules = App(name="rule", help="Set the rules of the server.")
texts = App(name="text", help="Set what the server says of itself.")
search = App(name="search", help="Make the index of words anew.")

TextName = Literal["extended_description", "privacy_policy", "terms_of_service"]


@rules.command
def add(text: str, /, *, hint: str = "", folder: Folder = HERE) -> int:
    """Add a rule behind the others and print its number.

    Args:
        text: The rule.
        hint: More about it.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            print((await about.add_rule(ctx, text=text, hint=hint)).id)

    asyncio.run(work())
    return 0


@rules.command
def change(number: int, text: str, /, *, hint: str = "", folder: Folder = HERE) -> int:
    """Put other words in the place of a rule.

    Args:
        number: Which.
        text: The rule.
        hint: More about it.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            await about.change_rule(ctx, rule_id=number, text=text, hint=hint)

    asyncio.run(work())
    return 0


@rules.command
def remove(number: int, /, *, folder: Folder = HERE) -> int:
    """Remove a rule.

    Args:
        number: Which.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            await about.remove_rule(ctx, rule_id=number)

    asyncio.run(work())
    return 0


@rules.command(name="list")
def list_(*, folder: Folder = HERE) -> int:
    """Print the rules, one a line: number, text, hint."""

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                for rule in snap.about.rules():
                    print(rule.id, rule.text, rule.hint, sep="\t")

    asyncio.run(work())
    return 0


@texts.command(name="set")
def set_(name: TextName, file: Path, /, *, folder: Folder = HERE) -> int:
    """Set a text to what stands in a file; an empty one takes it back.

    Args:
        name: Which text.
        file: Plain text; links in it lead somewhere.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{file} is not UTF-8 text") from error

    async def work() -> None:
        async with opened(folder) as ctx:
            await about.set_text(ctx, name=name, text=text)

    asyncio.run(work())
    return 0


@texts.command
def show(name: TextName, /, *, folder: Folder = HERE) -> int:
    """Print a text.

    Args:
        name: Which text.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = snap.about.text(name)
            if found is None:
                raise NotFound(f"There is no {name} yet: {command('text', 'set', name, 'FILE')}")
        print(found.text)

    asyncio.run(work())
    return 0


@search.command
def rebuild(*, folder: Folder = HERE) -> int:
    """Make the index of words anew, in the job process of the server."""

    async def work() -> None:
        async with opened(folder) as ctx:
            await words.rebuild(ctx)

    asyncio.run(work())
    return 0
