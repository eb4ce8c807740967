"""Selectors: what they mean, how they are read, and where their errors point."""

from __future__ import annotations

import operator
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostra.domain.selector_parser import MAX_DEPTH, MAX_LENGTH, SelectorError, parse
from rostra.domain.selectors import (
    APPEALS,
    FIELDS,
    OPERATORS,
    STATES,
    All,
    And,
    Compare,
    Expression,
    Facts,
    FieldType,
    Moment,
    Not,
    Op,
    Or,
    Value,
    fields_of,
    holds,
    labels_of,
    moment,
    write,
)

DAY = 86_400_000


def ms(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp() * 1000)


NOW = ms(2024, 1, 1)
FACTS: Facts = {
    "state": ("suspended", "limited"),
    "ground": ("Spam and fraud", "Rude"),
    "reason": ("Sold things.",),
    "taken": (ms(2022, 5, 4, 12), ms(2023, 6, 1)),
    "until": (None, ms(2030, 1, 1)),
    "moderator": ("ada", None),
    "actions": (3,),
    "strikes": (2,),
    "followers": (1500,),
    "following": (0,),
    "statuses": (7,),
    "reports": (4,),
    "created": (ms(2020, 2, 2),),
    "label": ("legal_hold", "vip"),
    "appeal": ("open",),
    "name": ("newspaper",),
    "id": (2**60,),
}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            'state = suspended and ground ~ "spam" and taken < 2023-01-01 and followers >= 1000',
            True,
        ),
        ("not label in (legal_hold, child_safety)", False),
        ("label = vip and label != spam", True),
        ("label != vip", False),
        ("taken = 2022-05-04", True),
        ("taken = 2022-05-04T12:00", True),
        ("taken = 2022-05-04T12:00:01", False),
        ("taken = 2022-05-04T14:00:00+02:00", True),
        ("taken < 2022-05-04", False),
        ("taken <= 2022-05-04 and taken >= 2023-06-01 and not taken > 2023-06-01", True),
        ("created < 3y ago", None),
        ("created < 1000 days ago and created > 2000d ago", True),
        ("created > 200 weeks ago", False),
        ("until = none", True),
        ("until != none", False),
        ("until > 2029-12-31", True),
        ("until < 2029-01-01", False),
        ("moderator = none or moderator = @Ada", True),
        ("moderator in (bob, none)", True),
        ("moderator ~ bo", False),
        ("name ~ PAPER", True),
        ('ground = "spam AND fraud"', True),
        ("ground = spam", False),
        ("followers > 1_499 and followers < 1501 and followers <= 1500", True),
        ("followers in (1, 1500)", True),
        ("appeal = none", False),
        ("appeal in (open, accepted)", True),
        ("all", True),
        ("not all or not (not all)", True),
        ("FOLLOWERS = 1500 AND Not Name = x", True),
        ("followers = 1 or following = 0 and strikes = 2", True),
        ("(followers = 1 or following = 0) and strikes = 3", False),
        (f"id = {2**60}", True),
    ],
)
def test_what_a_selector_means(text: str, meant: bool | None) -> None:
    if meant is None:
        with pytest.raises(SelectorError):
            parse(text)
        return
    assert holds(parse(text), FACTS, NOW) is meant


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [
        ("", "", 'expected a field such as "followers", "not" or "(", found the end'),
        ("folowers > 3", "folowers", 'there is no field "folowers"; did you mean "followers"?'),
        ("xyzzy > 3", "xyzzy", 'there is no field "xyzzy"; there is state, ground, reason'),
        ('followers > "many"', '"many"', '"followers" is a number such as 1000, and "many" is'),
        ("followers > many", "many", 'and "many" is none'),
        ("followers > 99999999999999999999", "99999999999999999999", "is a number"),
        ("followers > 12_34", "12_34", "is a number"),
        ("followers > ٣", "٣", "is a number"),
        ("ground ~ “spam”", "“spam”", "“ is no quote here: put the text in straight ones"),
        ("name in (anna, „bert“)", "„bert“", "„ is no quote here"),
        ("followers", "", 'expected how to compare "followers" (= != < <= > >= in), found the end'),
        ("followers 3", "3", 'expected how to compare "followers"'),
        ("followers ~ 3", "~", '"followers" is a number, which "~" does not compare'),
        ("state = suspendd", "suspendd", 'never "suspendd"; did you mean "suspended"?'),
        ("state > suspended", ">", "use one of = != in"),
        ("taken < yesterday", "yesterday", '"taken" is a date (2027-01-31), a time'),
        ("taken < 2023-02-30", "2023-02-30", '"taken" is a date'),
        ("taken < 30d", "", 'expected "ago" after a duration, found the end'),
        ("taken < 30 moons ago", "moons", "expected a unit of time (s, m, h, d, w, second"),
        ("taken < 9999999999w ago", "9999999999w", "longer ago than anything"),
        ("until < none", "none", '"none" is neither more nor less'),
        ("taken = none", "none", '"taken" is a date'),
        ("(followers > 1", "", 'expected ")" for the "(" at column 1, found the end'),
        ("followers > 1)", ")", '")" is too much here: expected "and", "or" or the end'),
        ("followers > 1 followers > 2", "followers", '"followers" is too much here'),
        ("followers > 1 and", "", "expected a field"),
        ("and followers > 1", "and", 'expected a field such as "followers"'),
        ("label in legal_hold", "legal_hold", 'expected "(" and values after "in"'),
        ("label in (spam", "", 'expected "," or ")", found the end'),
        ("label in (spam,)", ")", 'expected a label for "label", found ")"'),
        ("label = legal_hodl", "legal_hodl", 'did you mean "legal_hold"?'),
        ('ground ~ "spam', '"', 'this " is never closed'),
        ("ground ~ !", "!", '"!" alone says nothing'),
        ('ground ~ ""', '""', "found nothing in it"),
        ("ground ~ and", "and", "put it in quotes"),
        ('"followers" > 1', '"followers"', "expected a field"),
    ],
)
def test_an_error_points_at_the_word_that_is_wrong(text: str, word: str, said: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse(text, labels={"legal_hold", "spam"})
    assert said in caught.value.said
    first, line, caret = caught.value.message.split("\n")
    assert first == f"line 1, column {caught.value.column}: {caught.value.said}"
    assert line == f"  {text}"
    start = caught.value.column - 1
    assert text[start : start + len(word)] == word
    assert caret == " " * (2 + start) + "^" * max(1, len(word))
    if word:
        assert start in (text.rfind(word), text.find(word))
    else:
        assert start == len(text)


def test_an_error_names_the_line_and_widths_are_those_of_a_terminal() -> None:
    with pytest.raises(SelectorError) as caught:
        parse('followers > 1 and\n\tground = "日本" nor name = x\nand all')
    assert (caught.value.line, caught.value.column) == (2, 16)
    assert caught.value.message.split("\n")[1:] == [
        '    ground = "日本" nor name = x'.replace("    ", "   ", 1),
        " " * 2 + " " * (15 + 2) + "^^^",
    ]


def test_depth_and_length_have_an_end() -> None:
    for text in ("(" * 5000, "not " * 2000, "followers > 1 and " * 900):
        with pytest.raises(SelectorError):
            parse(text)
    deep = "(" * MAX_DEPTH + "all" + ")" * MAX_DEPTH
    assert parse(deep) == All()
    assert len("all or " * 1000) < MAX_LENGTH
    assert isinstance(parse("all or " * 1000 + "all"), Or)


@pytest.mark.parametrize("word", ["x" * 9_000, "followers > 1 or " * 500 + "nonsense"])
@pytest.mark.parametrize("after", ["", " and all" * 100])
def test_an_error_in_a_long_selector_shows_what_is_around_it(word: str, after: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse(word + after)
    first, line, caret = caught.value.message.split("\n")
    assert first.startswith(f"line 1, column {caught.value.column}: ")
    assert max(len(first), len(line), len(caret)) < 300
    pointed = line[len(caret) - caret.count("^") : len(caret)].rstrip("…")
    wrong = (word + after)[caught.value.column - 1 :]
    assert pointed
    assert wrong.startswith(pointed)


def test_times_are_as_long_as_they_are_written() -> None:
    day = moment("2023-01-31")
    assert day is not None
    assert day.end - day.start == DAY
    minute, second, thousandth = (
        moment(text)
        for text in ("2023-01-31T12:00", "2023-01-31T12:00:01Z", "2023-01-31T12:00:01.500")
    )
    assert minute is not None
    assert second is not None
    assert thousandth is not None
    assert [one.end - one.start for one in (minute, second, thousandth)] == [60_000, 1000, 1]
    assert [moment(text) for text in ("2023", "2023-1-1", "12:00", "2023-01-31 12:00")] == [
        None
    ] * 4


def test_the_fields_and_labels_of_a_selector_are_known() -> None:
    found = parse("not (label = vip or label ~ hold) and (followers > 1 or label in (a, b))")
    assert fields_of(found) == {"label", "followers"}
    assert list(labels_of(found)) == ["vip", "a", "b"]


# -- any selector ----------------------------------------------------------------------------------

words = st.text("abcABC \"\\'()<>=!~,\n日é_-", min_size=1, max_size=8).filter(
    lambda text: bool(text.strip())
)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    if draw(st.booleans()):
        count, unit = draw(st.integers(1, 999)), draw(st.sampled_from("smhdw"))
        size = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY, "w": 7 * DAY}[unit]
        return Moment(f"{count}{unit} ago", ago=count * size)
    when = draw(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
    made = moment(when.isoformat()[: draw(st.sampled_from([10, 16, 19]))])
    assert made is not None
    return made


def values(field: str, op: Op) -> st.SearchStrategy[Value]:
    known = FIELDS[field]
    if known.type is FieldType.NUMBER:
        made: st.SearchStrategy[Value] = st.integers(0, 2**63 - 1)
    elif known.type is FieldType.TIME:
        made = moments()
    elif known.type is FieldType.CHOICE:
        made = st.sampled_from(known.choices)
    else:
        made = words.map(str.casefold).filter(lambda text: not text.startswith("@"))
    if known.optional and op in (Op.EQUAL, Op.DIFFERENT, Op.IN):
        made |= st.none()
    return made


@st.composite
def conditions(draw: st.DrawFn) -> Compare:
    field = draw(st.sampled_from(sorted(FIELDS)))
    op = draw(st.sampled_from(OPERATORS[FIELDS[field].type]))
    most = 3 if op is Op.IN else 1
    return Compare(field, op, tuple(draw(st.lists(values(field, op), min_size=1, max_size=most))))


def joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return inner.map(Not) | parts.map(And) | parts.map(Or)


leaves: st.SearchStrategy[Expression] = conditions() | st.just(All())
expressions = st.recursive(leaves, joined, max_leaves=12)


@given(expressions)
def test_what_is_written_is_read_again(expression: Expression) -> None:
    text = write(expression)
    assert parse(text) == expression
    assert write(parse(text)) == text


PIECES = (
    *("and", "or", "not", "in", "all", "(", ")", ",", "<", "~", "=", "!=", '"x"', '"', "\\"),
    *("3", "2023-01-01", "30", "days", "ago", "none", "spam", "suspended"),
)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from([*FIELDS, *PIECES]),
        max_size=14,
    ).map(" ".join)
)
def test_any_text_is_a_selector_or_has_a_pointed_error(text: str) -> None:
    error = None
    try:
        parse(text)
    except SelectorError as refused:
        error = refused
    if error is not None:
        assert error.message.count("^") >= 1
        assert 1 <= error.line <= text.count("\n") + 1
        assert 1 <= error.column <= len(text) + 1


# -- against the plainest evaluation there is ------------------------------------------------------


def naive(expression: Expression, facts: Facts) -> bool:
    """Say what a selector means by making a sentence of it that Python evaluates."""
    match expression:
        case All():
            return True
        case Not(inner):
            return not naive(inner, facts)
        case And(parts):
            return min(naive(part, facts) for part in parts)
        case Or(parts):
            return max(naive(part, facts) for part in parts)
        case Compare(field, Op.IN, several):
            return any(naive(Compare(field, Op.EQUAL, (one,)), facts) for one in several)
        case Compare(field, op, (value,)):
            return naive_condition(op, facts[field], value)
        case _:
            raise AssertionError(expression)


def naive_condition(op: Op, known: tuple[int | str | None, ...], value: Value) -> bool:
    if op is Op.DIFFERENT:
        return not naive_condition(Op.EQUAL, known, value)
    if value is None:
        return None in known
    rest = [one for one in known if one is not None]
    if isinstance(value, str):
        texts = [str(one).casefold() for one in rest]
        return any(value in text if op is Op.HAS else value == text for text in texts)
    numbers = [one for one in rest if isinstance(one, int)]
    if isinstance(value, int):
        first = last = value
    elif value.ago is not None:
        first = last = NOW - value.ago
    else:
        first, last = value.start, value.end - 1
    if op is Op.EQUAL:
        return any(first <= one <= last for one in numbers)
    compare = {Op.BELOW: operator.lt, Op.AT_MOST: operator.le, Op.ABOVE: operator.gt}
    bound = last if op in (Op.AT_MOST, Op.ABOVE) else first
    return any(compare.get(op, operator.ge)(one, bound) for one in numbers)


def random_facts(chance: random.Random) -> Facts:
    return {
        "state": tuple(chance.sample(STATES, 2)),
        "ground": ("aB c", "日"),
        "reason": ("",),
        "taken": (NOW - chance.randrange(400 * DAY), ms(1990, 1, 1)),
        "until": (None, NOW + 5),
        "moderator": ("abc", None),
        **{
            name: (chance.choice([0, 1, 2**62]),)
            for name, field in FIELDS.items()
            if field.type is FieldType.NUMBER
        },
        "created": (NOW - chance.randrange(20_000 * DAY),),
        "label": ("a", "b-"),
        "appeal": (chance.choice(APPEALS),),
        "name": ("ab",),
    }


@given(expressions, st.integers(0, 10**9))
def test_random_selectors_mean_what_the_plainest_evaluation_says(
    expression: Expression, seed: int
) -> None:
    facts = random_facts(random.Random(seed))
    assert holds(expression, facts, NOW) is naive(expression, facts)


def test_a_handle_that_nobody_has_is_a_mistake() -> None:
    def read(text: str) -> Expression:
        return parse(text, is_handle=lambda name: name.lower() in ("anna", "anna@x.example"))

    assert read("name in (@Anna@X.example, anna)") == parse("name in (anna, anna)")
    with pytest.raises(SelectorError, match=r'no account called "@anna@y\.example"'):
        read("name = @anna@y.example")

    for text in ("name = @ANNA", "moderator in (anna, none)", "moderator = none", "name ~ minn"):
        assert read(text) == parse(text)
    for text in ("not name = minna", "moderator != minna", "name in (anna, minna)"):
        with pytest.raises(SelectorError, match='there is no account called "minna"'):
            read(text)
