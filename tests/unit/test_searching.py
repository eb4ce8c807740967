"""Queries for statuses, and words of scripts with and without spaces."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostra.domain.errors import Invalid
from rostra.domain.ids import MAX_SNOWFLAKE, snowflake
from rostra.domain.searching import StatusQuery, parse, spaced

NOW = int(datetime(2026, 5, 3, 15, tzinfo=UTC).timestamp()) * 1000
PEOPLE = {"alice": 7}


def parsed(text: str) -> StatusQuery:
    return parse(text, account=PEOPLE.get, now=NOW)


def _first(year: int, month: int, day: int) -> int:
    return snowflake(int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1000)


def test_words_phrases_and_refusals() -> None:
    query = parsed('ships -oars "the open sea" -"safe harbour" +sail ! -')
    assert query.words == ("ships", "the open sea", "sail")
    assert query.without == ("oars", "safe harbour")


def test_operators_become_facts() -> None:
    query = parsed("from:alice has:images -is:reply language:pt-BR in:library -from:bob")
    assert query.facts == (("a7",), ("hasimage",), ("langpt",))
    assert query.lacking == ("isreply", "nobody")
    assert query.place == "library"


def test_days_become_spans_of_ids() -> None:
    assert parsed("before:2026-02-01").below == _first(2026, 2, 1)
    after = parsed("after:2026-02-01")
    assert (after.above, after.below) == (_first(2026, 2, 2) - 1, MAX_SNOWFLAKE)
    during = parsed("during:yesterday")
    assert (during.above, during.below) == (_first(2026, 5, 2) - 1, _first(2026, 5, 3))
    assert parsed("during:today").above == _first(2026, 5, 3) - 1


@pytest.mark.parametrize(
    "text", ["before:soon", "has:legs", "is:late", "in:attic", "-before:today", "after:0001-01-01"]
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parsed(text)


def test_an_unknown_operator_is_a_word() -> None:
    assert parsed("wow:much").words == ("wow much",)


def test_letters_without_spaces_between_words_are_words() -> None:
    assert spaced("東京 tower").split() == ["東", "京", "tower"]
    assert spaced("กำลัง").split() == ["กํ", "า", "ลั", "ง"]
    assert spaced("\uff26\uff35\uff2c\uff2c café") == "FULL café"


@given(st.text(max_size=80))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parsed(text)
    except Invalid:
        return
    assert all(any(one.isprintable() for one in word) for word in query.words)
