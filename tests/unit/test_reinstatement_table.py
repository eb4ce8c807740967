"""The rows and steps of docs/reinstatement.md: each has tests that name it, and no test another."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "reinstatement.md").read_text(encoding="utf-8")
WITHOUT_HTTP = {"Strikes", "Purge"}
"""Rows of which clients see nothing."""


def told() -> dict[str, set[str]]:
    """Return the files of tests of each row, as the table tells."""
    rows = re.findall(r"^\| ([^|]+) \| .+ \| ([^|]+) \|$", PAGE, re.MULTILINE)[1:]
    return {name: set(re.findall(r"`tests/([\w/]+\.py)`", files)) for name, files in rows}


def steps() -> dict[str, set[str]]:
    """Return the files of tests of each step, as the list tells."""
    items = re.findall(r"^- \*\*([^*]+)\*\*: ((?:.+\n  )*.+)$", PAGE, re.MULTILINE)
    files = {name: set(re.findall(r"`tests/([\w/]+\.py)`", item)) for name, item in items}
    return {name: found for name, found in files.items() if found}


def named() -> dict[str, set[str]]:
    """Return the files in which a test names each row."""
    return _named(lambda words: re.findall(r'\b[Rr]ow "([^"]+)"', words))


def named_steps() -> dict[str, set[str]]:
    """Return the files in which a test names each step."""

    def of(words: str) -> list[str]:
        lists = re.findall(r'\b[Ss]teps? ("[^"]+"(?:(?:, | and )"[^"]+")*)', words)
        return [name for one in lists for name in re.findall(r'"([^"]+)"', one)]

    return _named(of)


def _named(names: Callable[[str], list[str]]) -> dict[str, set[str]]:
    """Return the files in which a test has each of the names found in its docstring."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in TESTS.glob("*/test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if not node.name.startswith("test_"):
                    continue
                words = " ".join((ast.get_docstring(node) or "").split())
                for name in names(words):
                    found[name].add(str(file.relative_to(TESTS)))
    return found


ROWS = told()


def test_no_test_names_a_row_that_is_not_there() -> None:
    assert len(ROWS) == 25
    assert set(named()) - set(ROWS) == set()


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_held_by_the_tests_it_names(row: str) -> None:
    files = ROWS[row]
    assert files
    assert files - named()[row] == set()
    assert row in WITHOUT_HTTP or any(name.startswith(("api/", "e2e/")) for name in files)


def test_each_step_is_held_by_the_tests_it_names() -> None:
    told, found = steps(), named_steps()
    assert list(told) == ["Plan", "Stage", "Cut over", "Confirm", "Report"]
    assert set(found) == set(told)
    for name, files in told.items():
        assert files - found[name] == set(), name
