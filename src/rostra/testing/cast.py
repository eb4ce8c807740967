"""The cast of characters that all tests and the demonstration share.

``assemble`` brings them in with what they are to each other; ``perform`` makes them talk.
Everything goes through the services, so the cast can do nothing that a person could not.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.domain.accounts import Account, Role
from rostra.domain.statuses import Visibility
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.services.publishing.polls import PollDraft
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.testing.play import PLAY, Line

PASSWORD: Final = "for tests only"
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS


class Character(Struct, frozen=True, kw_only=True):
    """Who somebody is before there is an account."""

    name: str
    display_name: str
    note: str = ""
    role: Role = Role.USER
    locked: bool = False
    bot: bool = False

    @property
    def email(self) -> str:
        """An address at a domain that is nobody's (RFC 2606)."""
        return f"{self.name}@example.org"


CHARACTERS: Final = (
    Character(
        name="ada",
        display_name="Ada Quill",
        note="Runs this server from a cupboard under the stairs. Ask me anything about backups.",
        role=Role.OWNER,
    ),
    Character(
        name="mina",
        display_name="Mina Okafor",
        note="Moderator. Reads every report twice.",
        role=Role.MODERATOR,
    ),
    Character(
        name="otto",
        display_name="Otto Lindqvist",
        note="Moderator, the other one. Decides the appeals against Mina, and she against mine.",
        role=Role.MODERATOR,
    ),
    Character(
        name="stella",
        display_name="Stella Novak",
        note="Explains particles on the radio. Everybody seems to be listening this week.",
    ),
    Character(
        name="luca",
        display_name="Luca Moretti",
        note="Friends and family. I answer follow requests on Sundays.",
        locked=True,
    ),
    Character(
        name="ines",
        display_name="Inês Duarte",
        note="Physics teacher, night owl, bad at chess. #physics #lisbon",
    ),
    Character(name="kofi", display_name="Kofi Mensah", note="Reads more than he writes."),
    Character(
        name="yuki",
        display_name="Yuki Tanaka",
        note="Essays about measuring things. https://example.org/yuki",
    ),
    Character(
        name="nadia",
        display_name="Nadia Haddad",
        note="Draws detectors. Some pictures need a warning, they get one.",
    ),
    Character(name="pip", display_name="Pip", note=""),
    Character(
        name="clio",
        display_name="Clio, library bot",
        note="I post what the library opens at. Kept by @ada.",
        bot=True,
    ),
    Character(name="rufus", display_name="Rufus", note="Just asking questions."),
)

# Follower → whom, in the order they follow.
FOLLOWS: Final = (
    *((name, "stella") for name in ("ines", "kofi", "yuki", "nadia", "ada", "clio", "rufus")),
    *((name, "ada") for name in ("mina", "otto", "rufus", "ines", "pip")),
    *(("ines", name) for name in ("kofi", "yuki", "nadia", "mina", "clio", "luca")),
    *((name, "ines") for name in ("kofi", "yuki", "luca")),
    ("kofi", "yuki"),
    ("yuki", "kofi"),
    ("mina", "otto"),
    ("otto", "mina"),
    ("kofi", "luca"),
)


class Cast(Struct, frozen=True, kw_only=True):
    """The characters as accounts, by the part they play."""

    owner: Account
    moderator: Account
    second_moderator: Account
    celebrity: Account
    locked: Account
    """Follows ines, who follows back; kofi's request is waiting."""
    teacher: Account
    """The one most tests look through: ines, who blocks the troll."""
    reader: Account
    writer: Account
    """Mutes the bot."""
    artist: Account
    newcomer: Account
    """Has no statuses and no followers."""
    bot: Account
    troll: Account
    password: str

    def named(self, name: str) -> Account:
        """Return a character by handle.

        Raises:
            KeyError: nobody in the cast is called that.
        """
        return self.by_name[name]

    @property
    def by_name(self) -> dict[str, Account]:
        """All characters by their handles."""
        return {
            account.username: account
            for account in (getattr(self, part) for part in self.__struct_fields__)
            if isinstance(account, Account)
        }


PARTS: Final = {
    "ada": "owner",
    "mina": "moderator",
    "otto": "second_moderator",
    "stella": "celebrity",
    "luca": "locked",
    "ines": "teacher",
    "kofi": "reader",
    "yuki": "writer",
    "nadia": "artist",
    "pip": "newcomer",
    "clio": "bot",
    "rufus": "troll",
}


async def assemble(ctx: Context, *, password: str = PASSWORD) -> Cast:
    """Create the cast and what they are to each other; they came thirty days ago, one a day.

    Args:
        ctx: the context of a world where their names are free.
        password: the one they all sign in with.
    """
    born = ctx.clock.now() - 30 * DAY_MS
    people: dict[str, Account] = {}
    for day, character in enumerate(CHARACTERS):
        people[character.name] = await _create(ctx, character, password, born + day * DAY_MS)
    for actor, target in FOLLOWS:
        await relationships.follow(ctx, actor=people[actor].ordinal, target=people[target].ordinal)
    await _tie(ctx, people)
    return Cast(password=password, **{part: people[name] for name, part in PARTS.items()})


async def _create(ctx: Context, character: Character, password: str, born: int) -> Account:
    account = await accounts.register(
        ctx,
        username=character.name,
        email=character.email,
        password=password,
        role=character.role,
        locked=character.locked,
        display_name=character.display_name,
        created_at=born,
    )
    return await accounts.update_profile(
        ctx, actor=account.ordinal, note=character.note, bot=character.bot
    )


async def _tie(ctx: Context, people: dict[str, Account]) -> None:
    """Add what is not a follow: an accepted request, a block, a mute."""

    def ordinal(name: str) -> int:
        return people[name].ordinal

    await relationships.authorize_request(ctx, actor=ordinal("luca"), follower=ordinal("ines"))
    await relationships.block(ctx, actor=ordinal("ines"), target=ordinal("rufus"))
    await relationships.mute(ctx, actor=ordinal("yuki"), target=ordinal("clio"))


async def perform(ctx: Context, cast: Cast) -> dict[str, int]:
    """Let the cast talk as if for the last two days; return their status ids by key."""
    now = ctx.clock.now()
    said: dict[str, int] = {}
    for line in PLAY:
        said[line.key] = await _say(ctx, cast, line, said, now)
    for line in PLAY:
        for name in line.liked_by:
            await statuses.favourite(ctx, actor=cast.named(name).ordinal, status_id=said[line.key])
        for name in line.boosted_by:
            await statuses.reblog(ctx, actor=cast.named(name).ordinal, status_id=said[line.key])
    return said


async def _say(ctx: Context, cast: Cast, line: Line, said: dict[str, int], now: int) -> int:
    poll = PollDraft(options=line.options, expires_in_s=3 * 86_400) if line.options else None
    return await statuses.post(
        ctx,
        actor=cast.named(line.by).ordinal,
        draft=Draft(
            text=line.text,
            visibility=Visibility[line.visibility.upper()],
            spoiler_text=line.warning,
            sensitive=bool(line.warning),
            language=line.language,
            in_reply_to_id=said[line.answers] if line.answers else None,
            poll=poll,
            created_at=now - line.minutes_ago * MINUTE_MS,
        ),
    )
