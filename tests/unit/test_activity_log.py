"""Reading logs of activity: lines, files, and what is wrong with them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostra.domain.activity import Event, Kind, Reader
from rostra.domain.errors import Invalid, Malformed
from rostra.domain.ids import snowflake_ms, ticks_ms
from rostra.ops.activity_log import survey

NOW = 1_800_000_000
LINES = "1 2 1341100972 RT\n1 2 1341100972 MT\n3 1 1341100973 RE\n"


def test_a_line_is_read_into_an_event() -> None:
    event = Reader(NOW).read("223789 213163 1341100972 MT\n")
    assert event == Event("223789", "213163", 1341100972, Kind.MENTION, 0)
    assert event.ms == 1341100972000
    assert ticks_ms(event.tick) == event.ms


def test_events_of_one_second_have_ids_of_that_second_in_their_order() -> None:
    reader = Reader(NOW)
    events = [reader.read("1 2 1341100972 RT") for _ in range(100)]
    ids = [id_ for event in events for id_ in (event.made_id, event.own_id)]
    assert ids == sorted(set(ids))
    assert {snowflake_ms(id_) // 1000 for id_ in ids} == {1341100972}
    assert [event.tick for event in events] == sorted({event.tick for event in events})


def test_the_same_lines_always_make_the_same_ids() -> None:
    def ids() -> list[int]:
        reader = Reader(NOW)
        return [reader.read(line).own_id for line in LINES.splitlines()]

    assert ids() == ids()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 2 3", "3 fields instead of 4"),
        ("1 2 1341100972 RT 5", "5 fields instead of 4"),
        ("ada 2 1341100972 RT", "the actor is not a number: 'ada'"),
        ("1 -2 1341100972 RT", "the target is not a number: '-2'"),
        ("1 2 soon RT", "the time is not a number: 'soon'"),
        ("1 2 1.5 RT", "the time is not a number"),
        ("1 2 1341100972 XX", "the kind is not RT, MT or RE: 'XX'"),
        ("1 2 1341100972 rt", "the kind is not RT, MT or RE: 'rt'"),
        ("1 2 0 RT", "its time is 0"),
        ("1 2 1800000001 RT", "in the future"),
        ("1 2 1341100972000000 RT", "the time is too large"),
        ("99999999999999999999 2 1341100972 RT", "the actor is not a number"),
        ("٣ 2 1341100972 RT", "the actor is not a number"),
    ],
)
def test_a_malformed_line_says_what_is_wrong(line: str, reason: str) -> None:
    with pytest.raises(Malformed, match=r".") as error:
        Reader(NOW).read(line)
    assert reason in error.value.message


@given(st.text())
def test_any_text_is_an_event_or_malformed_and_safe_to_print(line: str) -> None:
    try:
        event = Reader(NOW).read(line)
    except Malformed as error:
        reason = error.message
    else:
        assert event.own_id > event.made_id > 0
        return
    assert reason.isprintable()
    assert len(reason) < 200


def write(folder: Path, data: bytes) -> Path:
    path = folder / "log"
    path.write_bytes(data)
    return path


def test_a_log_is_the_same_plain_and_packed(tmp_path: Path) -> None:
    plain = survey(write(tmp_path, LINES.encode()), NOW)
    packed = survey(write(tmp_path, gzip.compress(LINES.encode())), NOW)
    assert plain.lines == packed.lines == 3
    assert plain.fingerprint == packed.fingerprint
    assert len(list(packed.events(NOW))) == 3


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    assert survey(write(tmp_path, LINES.rstrip().encode()), NOW).lines == 3


def test_events_can_be_taken_from_the_middle(tmp_path: Path) -> None:
    log = survey(write(tmp_path, LINES.encode()), NOW)
    assert [event.own_id for event in log.events(NOW, skip=1, limit=1)] == [
        list(log.events(NOW))[1].own_id
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x7fELF\x02\x01\x01", "is not an activity log"),
        (b"# Notes\n\nSome words\n" * 10, "is not an activity log"),
        (LINES.encode() + b"x" * 3_000_000, "is over 1 MiB long"),
        (gzip.compress(LINES.encode() * 1000)[:-40], "damaged or cut short"),
        (b"\x1f\x8bnonsense", "damaged or cut short"),
    ],
    ids=["empty", "blank", "binary", "prose", "endless-line", "cut-gzip", "no-gzip"],
)
def test_what_is_no_log_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        survey(write(tmp_path, data), NOW)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no file"):
        survey(tmp_path / "none", NOW)
    with pytest.raises(Invalid, match="cannot be read"):
        survey(tmp_path, NOW)
