"""The documents tell of what is there: commands, options, metrics, log entries and files."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from rostra.ops.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MANUAL = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
SOURCES = [*(ROOT / "src").rglob("*.py")]
EVERYWHERE = {"--data", "--config"}
"""The options that every command takes, and that the manual tells of once."""


def commands(within: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield each command there is, and its options."""
    for name in within:
        if not name.startswith("-"):
            yield from commands(within[name], (*path, name))
    if within.default_command is not None:
        arguments = within.assemble_argument_collection()
        yield " ".join(path), {one.names[0] for one in arguments if one.names[0][:2] == "--"}


def documented() -> dict[str, set[str]]:
    """Return the commands of the manual's table, and their options."""
    table = MANUAL.split("\n## Commands\n")[1].split("\n## ")[0]
    found = {}
    for row in re.findall(r"^\| `rostra ([^`]+)` \|", table, re.MULTILINE):
        name = re.match(r"[a-z]+(?: [a-z]+)?\b", row)
        assert name
        found[name[0]] = set(re.findall(r"--[a-z-]+", row))
    return found


def test_the_manual_has_every_command_with_every_option_and_no_other() -> None:
    there = {name: options - EVERYWHERE for name, options in commands()}
    assert documented() == there
    assert all(options >= EVERYWHERE for _, options in commands())


def shown() -> list[tuple[str, str]]:
    """Return (page, line) of each command that a page shows to be typed."""
    return [
        (page.name, line)
        for page in PAGES
        for block in re.findall(r"^```(?:sh)?\n(.*?)^```", page.read_text(), re.DOTALL | re.M)
        for line in block.splitlines()
        if line.startswith(("rostra ", "make "))
    ]


def test_commands_to_be_typed_are_right() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {page for page, _ in shown()} >= {"README.md", "operate.md"}
    for _, line in shown():
        program, *words = shlex.split(line)
        if program == "make":
            assert words[0] in targets
        else:
            app.parse_args(words, exit_on_error=False, print_error=False)


def test_the_manual_has_every_metric_and_no_other() -> None:
    ops = ROOT / "src/rostra/ops"
    there = set(re.findall(r'"rostra_([a-z_]+)"', (ops / "metrics.py").read_text()))
    there |= set(re.findall(r'^ +"([a-z_]+)": \($', (ops / "health.py").read_text(), re.MULTILINE))
    there |= set(re.findall(r'^ +"([a-z_]+)": \("', (ops / "health.py").read_text(), re.MULTILINE))
    told = set(re.findall(r"`rostra_([a-z_]+)\{", MANUAL))
    assert {name.removesuffix("_total") for name in told} == there


def test_the_manual_explains_the_log_entries_of_what_goes_wrong_and_no_others() -> None:
    section = MANUAL.split("\n## Logs\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    told = {event for row in rows for event in re.findall(r"`([^`]+)`", row)} - {"event"}
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    grave = r'log(?:ger\(\))?\.(?:warning|error|exception)\(\s*"([^"]+)"'
    assert set(re.findall(grave, source)) - told == set()
    assert [event for event in told if f'"{event}"' not in source] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|txt|toml|sql))`", text)
    places = (ROOT, ROOT / "src/rostra")
    assert [name for name in named if not any((at / name).exists() for at in places)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headings_a_page_links_to_are_there(page: Path) -> None:
    for link, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        target = page.parent / link if link else page
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
        assert heading in anchors, f"{page.name} links to #{heading}"


def test_folders_of_the_architecture_page_are_those_of_the_source() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([a-z]+)/` \|", table, re.MULTILINE))
    package = ROOT / "src" / "rostra"
    assert told == {found.parent.name for found in package.glob("*/__init__.py")}
