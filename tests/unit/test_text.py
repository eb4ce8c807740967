"""The rules of text: what is found in it, how long it is, and the HTML made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostra.config import Settings
from rostra.domain import text as rules
from rostra.domain.accounts import Account
from rostra.domain.text import EntityKind, graphemes
from rostra.services import text

SETTINGS = Settings(domain="here.example", base_url="https://here.example")


def parsed(typed: str) -> text.Parsed:
    return text.parse(typed, domain="here.example")


def html_of(typed: str, *names: str) -> str:
    accounts = {
        name.lower(): Account(ordinal=n, id=n, username=name, created_at=0)
        for n, name in enumerate(names, 1)
    }
    return text.render(parsed(typed), accounts, SETTINGS)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("hello @bob", ("bob",)),
        ("@Bob @bob @BOB", ("bob",)),
        ("@bob@here.example!", ("bob",)),
        ("@bob@HERE.example.", ("bob",)),
        ("@bob@else.example", ()),
        ("mail me at bob@here.example", ()),
        ('(@bob), "@carol"', ("bob", "carol")),
        ("@bob.", ("bob",)),
        ("@a.b-c x", ("a.b-c",)),
        ("path/@bob", ()),
        ("@@bob", ("bob",)),
        ("é@bob", ()),
        ("@", ()),
        ("@ bob", ()),
        ("https://x.example/@bob", ()),
        ("@bob\n@carol", ("bob", "carol")),
    ],
)
def test_mentions(typed: str, names: tuple[str, ...]) -> None:
    assert parsed(typed).names == names


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("#hello", ("hello",)),
        ("#Hello #hello", ("hello",)),
        ("#1", ()),
        ("#2026", ()),
        ("#2026fun", ("2026fun",)),
        ("#1_2", ("1_2",)),
        ("#_", ()),
        ("#__", ()),
        ("#snake_case", ("snake_case",)),
        ("#日本語", ("日本語",)),
        ("\uff03全角", ("全角",)),
        ("#\uff21\uff22\uff23", ("abc",)),
        ("#Straße", ("straße",)),
        ("#नमस्ते", ("नमस्ते",)),
        ("#l·l", ("l·l",)),
        ("#end.", ("end",)),
        ("#a-b", ("a",)),
        ("word#tag", ()),
        ("/#tag", ()),
        ("=#tag", ()),
        ("&#39;", ()),
        ("##tag", ()),
        ("(#tag)", ("tag",)),
        ("#one#two", ("one",)),
        ("#one #two", ("one", "two")),
        ("https://x.example/#frag", ()),
        ("# tag", ()),
        ("#", ()),
    ],
)
def test_hashtags(typed: str, tags: tuple[str, ...]) -> None:
    assert parsed(typed).tags == tags


@pytest.mark.parametrize(
    ("typed", "links"),
    [
        ("see https://x.example/a.", ["https://x.example/a"]),
        ("(https://x.example/a)", ["https://x.example/a"]),
        ("https://en.example/A_(b)", ["https://en.example/A_(b)"]),
        ("http://x.example?q=1&r=2#f", ["http://x.example?q=1&r=2#f"]),
        ("HTTPS://X.example", ["HTTPS://X.example"]),
        ("x.example", []),
        ("ftp://x.example", []),
        ("mailto:a@x.example", []),
        ("//x.example", []),
        ("javascript://alert", []),
        ("https://", []),
        ("https://x.example/ü https://ü.example", ["https://x.example/ü", "https://ü.example"]),
    ],
)
def test_links(typed: str, links: list[str]) -> None:
    found = [e.value for e in parsed(typed).entities if e.kind is EntityKind.LINK]
    assert found == links


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("", 0),
        ("hello", 5),
        ("https://x.example/" + "a" * 200, 23),
        ("https://a.b", 23),
        ("a https://x.example b", 27),
        ("@bob", 4),
        ("@bob@here.example", 4),
        ("@bob@else.example hi", 7),
        ("👨\u200d👩\u200d👧\u200d👦", 1),
        ("e\u0301", 1),
        ("🇩🇪🇫🇷", 2),
        ("a\nb", 3),
        ("a\r\nb", 3),
    ],
)
def test_length(typed: str, count: int) -> None:
    assert parsed(typed).length == count


def test_length_counts_the_content_warning() -> None:
    assert text.parse("body", domain="x", spoiler_text="warn👍🏽").length == 9


@pytest.mark.parametrize(
    ("cluster", "count"),
    [
        ("é", 1),
        ("👍🏽", 1),
        ("1️⃣", 1),
        ("नि", 1),
        ("한국", 2),
        ("\u1112\u1161\u11ab", 1),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 1),
        ("🏳️\u200d🌈", 1),
        ("❤️\u200d🔥", 1),
        ("🇩🇪🇫", 2),
        ("\u0301", 1),
        ("\r\n", 1),
        ("é\r\né", 3),
        ("\n\r", 2),
        ("a\u200db", 2),
        ("👩\u200d", 1),
        ("日本", 2),
    ],
)
def test_grapheme_clusters(cluster: str, count: int) -> None:
    assert graphemes(cluster) == count


@given(st.text(), st.text())
def test_graphemes_never_exceed_characters(first: str, second: str) -> None:
    assert 0 <= graphemes(first) <= len(first)
    assert graphemes(first + second) <= graphemes(first) + graphemes(second)


def test_paragraphs_and_breaks() -> None:
    assert html_of("a\nb\n\nc\n\n\n\nd") == "<p>a<br />b</p><p>c</p><p>d</p>"
    assert html_of("a\r\nb\r\n\r\nc") == "<p>a<br />b</p><p>c</p>"


def test_mention_markup() -> None:
    assert html_of("hi @BOB!", "Bob") == (
        '<p>hi <span class="h-card" translate="no">'
        '<a href="https://here.example/@Bob" class="u-url mention">'
        "@<span>Bob</span></a></span>!</p>"
    )


def test_a_mention_of_nobody_is_text() -> None:
    assert html_of("hi @nobody and @bob@else.example", "bob") == (
        "<p>hi @nobody and @bob@else.example</p>"
    )


def test_hashtag_markup() -> None:
    assert html_of("#CamelCase") == (
        '<p><a href="https://here.example/tags/camelcase" class="mention hashtag" rel="tag">'
        "#<span>CamelCase</span></a></p>"
    )


def test_short_link_markup() -> None:
    assert html_of("https://www.x.example/a?b=1&c=2") == (
        '<p><a href="https://www.x.example/a?b=1&amp;c=2" rel="nofollow noopener noreferrer" '
        'translate="no" target="_blank"><span class="invisible">https://www.</span>'
        '<span class="">x.example/a?b=1&amp;c=2</span><span class="invisible"></span></a></p>'
    )


def test_long_link_markup_hides_what_is_beyond_thirty_characters() -> None:
    made = html_of("https://x.example/" + "a" * 40)
    assert f'<span class="ellipsis">x.example/{"a" * 20}</span>' in made
    assert f'<span class="invisible">{"a" * 20}</span>' in made


def test_everything_typed_is_escaped() -> None:
    made = html_of("<script>alert(\"x\")</script> <b>bold</b> & 'quoted' <br>")
    assert "<script" not in made
    assert "<b>" not in made
    assert "&lt;script&gt;" in made
    assert "&lt;br&gt;" in made


def test_sanitising_leaves_only_what_the_markup_uses() -> None:
    assert text.sanitise('<p onclick="x">a<img src=x onerror=y><iframe></iframe></p>') == "<p>a</p>"
    assert 'href="javascript:' not in text.sanitise('<a href="javascript:alert(1)">x</a>')


def typed_texts(pieces: str) -> st.SearchStrategy[str]:
    """Return texts put together from characters, names and links."""
    words = st.sampled_from([*pieces, "https://x.example/", "https://", "@bob", "#tag"])
    return st.lists(words, max_size=30).map("".join)


@given(typed_texts("a1 _@#./:<>&\"'\n日éh"))
def test_no_text_makes_markup_of_its_own(typed: str) -> None:
    made = html_of(typed, "bob")
    assert text.sanitise(made) == made
    assert made.count("<p>") == made.count("</p>")


@given(typed_texts("a1_@#./: \n日é"))
def test_entities_stand_in_order_without_overlap(typed: str) -> None:
    end = 0
    for entity in parsed(typed).entities:
        assert entity.start >= end
        assert entity.end > entity.start
        end = entity.end
    assert end <= len(typed)


def test_tags_are_normalised_alike_in_status_and_search() -> None:
    assert rules.normal_tag("#\uff21b\uff23") == rules.normal_tag("abc") == "abc"
