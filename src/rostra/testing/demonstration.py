"""What the demonstration shows beside its log: the cast with a crowd, and what awaits moderators.

Of the crowd some were suspended by mistake, so that there is an amnesty to try, and one of the cast
appeals against a suspension.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from random import Random
from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.ports import Context, Snapshot
from rostra.services import statuses
from rostra.services.appeals import appealing
from rostra.services.attachments import uploads
from rostra.services.moderation import enforcing
from rostra.services.publishing import polls
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.testing import cast as people
from rostra.testing import pictures
from rostra.testing.cast import Cast

MOST_FOLLOWED: Final = "88"
CROWD: Final = 400
# How many of the crowd like what is said, at most, and what they vote for, in parts of a hundred.
LIKES: Final = {"seen": 180, "class": 70, "tomorrow": 60, "drawing": 45, "sigma-answer": 40}
VOTES: Final = (18, 61, 21)
SWEPT_UP: Final = 48
FEW: Final = 40


async def perform(ctx: Context, *, password: str) -> Cast:
    """Bring the cast into a world that holds the log, and let them and the crowd act.

    Args:
        ctx: the context of that world.
        password: the one the cast signs in with.
    """
    cast = await people.assemble(ctx, password=password)
    said = await people.perform(ctx, cast)
    await _gather_crowd(ctx, cast, said)
    await _show_pictures(ctx, cast)
    await _suspend_one(ctx, cast)
    await _sweep_up(ctx, cast)
    return cast


async def _gather_crowd(ctx: Context, cast: Cast, said: dict[str, int]) -> None:
    """Let people from the log follow, like and vote, the same ones in every demonstration."""
    chance = Random(MOST_FOLLOWED)
    with ctx.store.read() as snap:
        accounts = snap.accounts.page(limit=CROWD + len(cast.by_name))
        most_followed = snap.accounts.ordinals([MOST_FOLLOWED])[MOST_FOLLOWED]
    known = {account.ordinal for account in cast.by_name.values()}
    crowd = [account.ordinal for account in accounts if account.ordinal not in known]
    for actor in (cast.teacher, cast.owner, cast.reader):
        await relationships.follow(ctx, actor=actor.ordinal, target=most_followed)
    await asyncio.gather(
        *(
            relationships.follow(ctx, actor=actor, target=cast.celebrity.ordinal)
            for actor in chance.sample(crowd, len(crowd) * 3 // 4)
        ),
        *(
            statuses.favourite(ctx, actor=actor, status_id=said[key])
            for key, likes in LIKES.items()
            for actor in chance.sample(crowd, likes)
        ),
        *(
            polls.vote(
                ctx,
                actor=actor,
                poll_id=said["poll"],
                choices=chance.choices(range(len(VOTES)), weights=VOTES),
            )
            for actor in chance.sample(crowd, 137)
        ),
    )


# Who shows which pictures, with what words and descriptions, and how many minutes ago.
GALLERY: Final = (
    ("ines", 380, "The terrace at ten. Bring a jumper. #lisbon", False, ("night",)),
    ("kofi", 260, "Rearranged by the colour of the spine. I regret nothing. #library", False,
     ("shelves", "hills")),
    ("nadia", 95, "The same cutaway, this time with tracks in it. #physics #drawing", True,
     ("detector",)),
)  # fmt: skip
DESCRIPTIONS: Final = {
    "night": "A clear night sky full of stars over the roofs of a town, with lit windows",
    "shelves": "Four shelves of books in many colours",
    "hills": "Hills behind hills in the evening sun",
    "detector": "A round detector cut open: eleven coloured rings, and bright tracks from its core",
}


async def _show_pictures(ctx: Context, cast: Cast) -> None:
    """Give the cast faces, and let some of them post pictures."""

    async def face(name: str, which: str, picture: Path) -> None:
        made = await uploads.prepare_picture(ctx, which=which, file=picture)
        await uploads.use_picture(ctx, actor=cast.named(name).ordinal, prepared=made)

    async def post(name: str, ago: int, text: str, sensitive: bool, shown: tuple[str, ...]) -> None:
        actor = cast.named(name).ordinal
        media = []
        for what in shown:
            picture = pictures.saved(getattr(pictures, what)(), folder / f"{name}-{what}")
            made = await uploads.upload(
                ctx, actor=actor, file=picture, description=DESCRIPTIONS[what]
            )
            media.append(made.id)
        draft = Draft(
            text=text,
            sensitive=sensitive,
            language="en",
            media=tuple(media),
            created_at=ctx.clock.now() - ago * 60_000,
        )
        await statuses.post(ctx, actor=actor, draft=draft)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await asyncio.gather(
            *(
                face(who, "avatar", pictures.saved(pictures.portrait(who), folder / who))
                for who in pictures.PORTRAITS
            ),
            *(
                face(who, "header", pictures.saved(draw(), folder / f"{who}-header"))
                for who, draw in pictures.HEADERS.items()
            ),
            *(post(*shown) for shown in GALLERY),
        )


async def _suspend_one(ctx: Context, cast: Cast) -> None:
    """Suspend the one who only asks questions, and let him appeal."""
    action = await enforcing.suspend(
        ctx,
        moderator=cast.second_moderator.ordinal,
        target=cast.troll.ordinal,
        ground="Harassment",
        text="Eleven replies within an hour to somebody who had asked you to stop.",
    )
    await appealing.open_appeal(
        ctx,
        actor=cast.troll.ordinal,
        action=action.id,
        text="Nine of the eleven were one answer, cut into pieces that fit. I only ask questions.",
    )


async def _sweep_up(ctx: Context, cast: Cast) -> None:
    """Suspend a part of a crowd, as a rule does that takes the rush of an evening for spam."""
    with ctx.store.read() as snap:
        swept = _rushed(snap, cast)
    for account in swept:
        await enforcing.suspend(
            ctx,
            moderator=None,
            target=account,
            ground="Spam",
            text="Followed and boosted within the same minutes as hundreds of others.",
        )


def _rushed(snap: Snapshot, cast: Cast) -> list[int]:
    """Return some of the crowd who hardly change the counts of anybody but the celebrity."""
    celebrity = cast.celebrity.ordinal
    known = {account.ordinal for account in cast.by_name.values()}
    rushed = [
        follower
        for follower in snap.sets.bitmap(SetKey(celebrity, SetKind.FOLLOWERS))
        if follower not in known
        and all(
            followed == celebrity or snap.sets.size(SetKey(followed, SetKind.FOLLOWERS)) < FEW
            for followed in snap.sets.bitmap(SetKey(follower, SetKind.FOLLOWING))
        )
    ]
    return Random(SWEPT_UP).sample(rushed, SWEPT_UP)
