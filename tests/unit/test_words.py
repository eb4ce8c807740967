"""Counts agree with what they count, wherever they are told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rostra
from rostra.domain.words import how_many, noun

SOURCE = Path(rostra.__file__).parent
COUNTED = (
    "accounts|followers|follows|probes|waves|rows|steps|seconds|minutes|hours|days|votes|people|"
    "edges|statuses|posts|workers|visits|members|entries|lines|events|requests|files|suspensions|"
    "commits|sets|bytes|reports|appeals|statements|differences|breaks|processors|changes"
)
ALWAYS_MANY = {
    "api/messages.py: limit",
    "api/uploads.py: limit",
    "domain/transfers.py: len(found)",
    "edge/rate_limits.py: -(-seconds // MINUTES)",
    "ops/cli/capacity.py: found.requests_a_second",
    "ops/cli/ledger.py: lacking",
    "ops/cli/rehearse.py: seconds * rate",
    "outside/fetcher.py: limit",
    "services/amnesty/planning.py: figures.found",
    "services/probing/looking.py: found.edges",
    "services/probing/sampling.py: who",
    "services/reinstatement/holding.py: seconds",
    "services/authentication/throttling.py: -(-seconds // 60)",
    "storage/bulk.py: len(values)",
}
"""What is more than one where it is told so, has a fraction, or is no count."""


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 followers"),
        (1, "1 follower"),
        (2, "2 followers"),
        (88_000_000, "88,000,000 followers"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    assert how_many(number, "follower") == words


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert [how_many(each, "entry", "entries") for each in (1, 2)] == ["1 entry", "2 entries"]
    assert [noun(each, "is", "are") for each in (0, 1, 2)] == ["are", "is", "are"]


def plurals(path: Path) -> Iterator[str]:
    """Yield where a number stands in a text before a plural, whatever the number is."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, words in zip(node.values, node.values[1:], strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(words, ast.Constant):
                continue
            told = ast.unparse(value.value)
            constant = re.fullmatch(r"-?\(?-?[A-Z_]+( // \S+)?\)?", told.rpartition(".")[2])
            place = f"{path.relative_to(SOURCE)}: {told}"
            counted = re.match(rf" (other |new )?({COUNTED})\b", str(words.value))
            if counted and not constant and place not in ALWAYS_MANY:
                yield f"{place}{words.value}"


def test_no_count_stands_before_a_plural_whatever_it_is() -> None:
    paths = [path for path in SOURCE.rglob("*.py") if "testing" not in path.parts]
    assert len(paths) > 400
    assert [found for path in paths for found in plurals(path)] == []  # say it with how_many
