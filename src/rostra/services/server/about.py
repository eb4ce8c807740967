"""What the server says about itself: rules and longer texts, set by those who run it."""

from __future__ import annotations

from typing import Final

from rostra.config import Settings
from rostra.domain.about import TEXTS, Rule, ServerText
from rostra.domain.errors import Invalid, NotFound
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import text as texts

MAX_RULE: Final = 300
MAX_HINT: Final = 2_000
MAX_TEXT: Final = 200_000

DEFAULT_PRIVACY: Final = """\
This server keeps your account (its name, the e-mail address, a password that cannot be read back, \
your profile and its pictures), what you write, like, boost, bookmark and vote, and whom you \
follow, block and mute.

Public posts are for everybody, on this server and by its API. Posts for followers are for those \
who follow you, posts to those mentioned for them alone; they are not encrypted, and whoever runs \
the server could read them. Bookmarks, private notes, filters, mutes and blocks are shown to \
nobody but you.

You can take everything with you, and delete your account, in the settings."""
"""What holds of this software on any server, until those who run one say more."""


async def add_rule(ctx: Context, *, text: str, hint: str = "") -> Rule:
    """Add a rule behind the others, and return it.

    Raises:
        Invalid: it has no words, or too many.
    """
    words, more = _checked(text, hint)

    def change(tx: Transaction) -> Rule:
        rule = Rule(max((each.id for each in tx.about.rules()), default=0) + 1, words, more)
        tx.about.put_rule(rule)
        return rule

    return await ctx.store.write(change)


async def change_rule(ctx: Context, *, rule_id: int, text: str, hint: str = "") -> None:
    """Put other words in the place of a rule.

    Raises:
        NotFound: there is no such rule.
        Invalid: it has no words, or too many.
    """
    words, more = _checked(text, hint)

    def change(tx: Transaction) -> None:
        if rule_id not in {each.id for each in tx.about.rules()}:
            raise NotFound("There is no rule %(id)s", id=rule_id)
        tx.about.put_rule(Rule(rule_id, words, more))

    await ctx.store.write(change)


async def remove_rule(ctx: Context, *, rule_id: int) -> None:
    """Remove a rule.

    Raises:
        NotFound: there is no such rule.
    """

    def change(tx: Transaction) -> None:
        if not tx.about.delete_rule(rule_id):
            raise NotFound("There is no rule %(id)s", id=rule_id)

    await ctx.store.write(change)


def _checked(text: str, hint: str) -> tuple[str, str]:
    words, more = text.strip(), hint.strip()
    if not words or len(words) > MAX_RULE or len(more) > MAX_HINT:
        raise Invalid(
            "A rule needs 1 to %(num)s characters, and its hint at most %(limit)s",
            num=MAX_RULE,
            limit=MAX_HINT,
        )
    return words, more


async def set_text(ctx: Context, *, name: str, text: str) -> None:
    """Set a text of ``TEXTS``; an empty one takes it back.

    Raises:
        Invalid: there is no text of this name, or it is too long.
    """
    if name not in TEXTS:
        raise Invalid(
            "There is no text called %(name)s; there are %(among)s",
            name=name,
            among=", ".join(TEXTS),
        )
    if len(text) > MAX_TEXT:
        raise Invalid("The text is too long: at most %(num)s characters", num=MAX_TEXT)
    words = text.strip()
    await ctx.store.write(lambda tx: tx.about.set_text(name, words, tx.now))


def text_of(snap: Snapshot, name: str) -> ServerText | None:
    """Return a text as typed; there is always one about privacy."""
    found = snap.about.text(name)
    if found is None and name == "privacy_policy":
        return ServerText(DEFAULT_PRIVACY, 0)
    return found


def rendered(snap: Snapshot, found: ServerText, settings: Settings) -> str:
    """Return the HTML of a text."""
    return texts.render_plain(snap, found.text, settings)
