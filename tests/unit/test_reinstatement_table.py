"""The table of docs/reinstatement.md: every row has tests that name it, and no test another row."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
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


def named() -> dict[str, set[str]]:
    """Return the files in which a test names each row."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in TESTS.glob("*/test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if not node.name.startswith("test_"):
                    continue
                for row in re.findall(r'\b[Rr]ow "([^"]+)"', ast.get_docstring(node) or ""):
                    found[" ".join(row.split())].add(str(file.relative_to(TESTS)))
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
