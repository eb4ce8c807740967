"""Trends: counted by a job from accounts, not posts; asked of the gate again at each reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.ids import MAX_SNOWFLAKE, snowflake, snowflake_ms, ticks
from rostra.domain.statuses import Status, Visibility
from rostra.domain.trends import (
    DAY_MS,
    LEAST,
    RULES,
    SPAN_MS,
    Trend,
    TrendKind,
    faded,
    scored,
    surprise,
)
from rostra.ports import Context, Snapshot, Transaction
from rostra.services.roles import require_moderator

KEPT: Final = 100
CANDIDATES: Final = 400
MOST_FOLLOWED: Final = 200
POSTED_LATELY: Final = 2_000
LATEST: Final = 10_000
"""How many of the latest likes, boosts and statuses are looked at, where there may be millions."""


# -- reading ---------------------------------------------------------------------------------------


def tags(snap: Snapshot, viewer: int | None) -> list[str]:
    """Return the hashtags that trend, most first."""
    return [trend.subject for trend in shown(snap, viewer, TrendKind.TAG)]


def statuses(snap: Snapshot, viewer: int | None) -> list[int]:
    """Return the ids of the statuses that trend for a viewer, most first."""
    return [int(trend.subject) for trend in shown(snap, viewer, TrendKind.STATUS)]


def links(snap: Snapshot, viewer: int | None) -> list[Trend]:
    """Return the addresses that trend, most first."""
    return shown(snap, viewer, TrendKind.LINK)


def shown(
    snap: Snapshot, viewer: int | None, kind: TrendKind, *, rejected: bool = False
) -> list[Trend]:
    """Return what trends and may be shown now, most first.

    The gate is asked about everybody a trend was counted from. Who was away and came back since
    the count does not count until the next one, and then with what it did after its return: a
    trend is earned anew.

    Args:
        snap: the view.
        viewer: who asks; None: anybody.
        kind: what kind of things.
        rejected: with what moderators do not let trend, as they see it.
    """
    kept = snap.trends.kept(kind)
    if not kept:
        return []
    reviews = {} if rejected else snap.trends.reviews(kind)
    back = _returned(snap, min(trend.counted_at for trend in kept))
    allowed = [trend for trend in kept if reviews.get(trend.subject, True)]
    if kind == TrendKind.STATUS:
        return _seen(snap, viewer, allowed, back)
    threshold = RULES[kind].threshold
    return [
        trend
        for trend in allowed
        if len(snap.gate.listed(None, trend.accounts) - BitMap(back)) >= threshold
    ]


def _seen(
    snap: Snapshot, viewer: int | None, trends: Iterable[Trend], back: Mapping[int, int]
) -> list[Trend]:
    """Return the trends of statuses the viewer may see, whose authors it wants to hear of."""
    by_id = {int(trend.subject): trend for trend in trends}
    found = snap.statuses.many(by_id)
    listed = snap.gate.listed(viewer, BitMap([status.author for status in found.values()]))
    return [
        by_id[id_]
        for id_, status in found.items()
        if status.author in listed
        and status.author not in back
        and snap.gate.may_see_status(viewer, status)
        and _touched(snap, id_) >= RULES[TrendKind.STATUS].threshold
    ]


def _touched(snap: Snapshot, status_id: int) -> int:
    """Return how many accounts like or boost a status, counted from its larger set at least."""
    kinds = (SetKind.LIKES, SetKind.BOOSTS)
    return sum(snap.gate.visible_count(SetKey(status_id, kind)) for kind in kinds)


def _returned(snap: Snapshot, since: int) -> dict[int, int]:
    """Return who was suspended and came back after a time (ms), and when."""
    return snap.enforcement.returned(since, snap.now)


# -- reviewing -------------------------------------------------------------------------------------


async def review(
    ctx: Context, *, moderator: int, kind: TrendKind, subject: str, allowed: bool
) -> None:
    """Let something trend, or do not.

    Raises:
        Forbidden: the actor is no moderator.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(moderator)
        require_moderator(tx, moderator)
        tx.trends.review(kind, subject, allowed=allowed)

    await ctx.store.write(change)


# -- counting --------------------------------------------------------------------------------------


async def count(ctx: Context) -> None:
    """Count what trends, and who is followed most, and keep it until the next count."""
    with ctx.store.read() as snap:
        back = _returned(snap, snap.now - SPAN_MS)
        tagged, linked = _used(snap, back, ctx.settings.url)
        found = {
            TrendKind.TAG: _ranked(snap, TrendKind.TAG, tagged, back),
            TrendKind.LINK: _ranked(snap, TrendKind.LINK, linked, back),
            TrendKind.STATUS: _statuses(snap, back),
        }
        popular = _most_followed(snap)

    def change(tx: Transaction) -> None:
        for kind, trends in found.items():
            if trends or tx.trends.kept(kind):
                tx.trends.replace(kind, trends)
        if popular != tx.trends.most_followed():
            tx.trends.set_most_followed(popular)

    await ctx.store.write(change)


class _Uses:
    """Who used something, and how often, in the last day (0) and the day before (1)."""

    __slots__ = ("accounts", "statuses")

    def __init__(self) -> None:
        self.accounts = (BitMap(), BitMap())
        self.statuses = [0, 0]


def _used(
    snap: Snapshot, back: Mapping[int, int], url: str
) -> tuple[dict[str, _Uses], dict[str, _Uses]]:
    """Return the uses of hashtags and of addresses elsewhere by accounts that may be listed."""
    uses = list(snap.trends.uses(snowflake(snap.now - SPAN_MS)))
    listed = snap.gate.listed(None, BitMap([use.author for use in uses]))
    tagged: dict[str, _Uses] = defaultdict(_Uses)
    linked: dict[str, _Uses] = defaultdict(_Uses)
    for use in uses:
        at = snowflake_ms(use.status)
        if use.author not in listed or at <= back.get(use.author, 0):
            continue
        day = min(max(snap.now - at, 0) // DAY_MS, 1)
        elsewhere = (link.partition("#")[0] for link in use.links)
        things = [tagged[tag] for tag in use.tags]
        things += [linked[link] for link in elsewhere if not link.startswith(url)]
        for thing in things:
            thing.accounts[day].add(use.author)
            thing.statuses[day] += 1
    return tagged, linked


def _ranked(
    snap: Snapshot, kind: TrendKind, used: Mapping[str, _Uses], back: Mapping[int, int]
) -> list[Trend]:
    """Return what trends by its uses: new scores, and earlier ones as far as they have faded."""
    rules = RULES[kind]
    earlier = {trend.subject: trend for trend in snap.trends.kept(kind)}
    found = []
    for subject in {*used, *earlier}:
        uses, old = used.get(subject) or _Uses(), earlier.get(subject)
        today, before = uses.accounts
        enough = len(today) >= rules.threshold
        accounts = today if enough or old is None else old.accounts - BitMap(back)
        if len(snap.gate.listed(None, accounts)) < rules.threshold:
            continue  # its peak goes with those who made it
        score, peak, peak_at = scored(
            None if old is None else (old.peak, old.peak_at),
            surprise(len(today), len(before)) if enough else 0.0,
            now=snap.now,
            half_life=rules.half_life,
        )
        days = tuple(
            (uses.statuses[day], len(uses.accounts[day])) for day in range(len(uses.accounts))
        )
        found.append(
            Trend(
                kind=kind,
                subject=subject,
                score=score,
                peak=peak,
                peak_at=peak_at,
                counted_at=snap.now,
                accounts=accounts,
                days=days,
            )
        )
    return _best(found)


def _best(found: Iterable[Trend]) -> list[Trend]:
    worthy = (trend for trend in found if trend.score >= LEAST)
    return sorted(worthy, key=lambda trend: (-trend.score, trend.subject))[:KEPT]


def _statuses(snap: Snapshot, back: Mapping[int, int]) -> list[Trend]:
    """Return the statuses that trend: fading from when they were posted, as in Mastodon."""
    rules = RULES[TrendKind.STATUS]
    ids = snap.trends.touched(snowflake(snap.now - SPAN_MS), CANDIDATES)
    found = snap.statuses.many(ids)
    authors = snap.accounts.many({status.author for status in found.values()})
    listed = snap.gate.listed(None, BitMap(authors))
    snap.sets.prefetch(
        SetKey(id_, kind) for id_ in found for kind in (SetKind.LIKES, SetKind.BOOSTS)
    )
    trends = []
    for status in found.values():
        author = authors.get(status.author)
        if author is None or not author.discoverable or status.author not in listed:
            continue
        accounts = _interested(snap, status, back) if _eligible(status) else 0
        if accounts >= rules.threshold:
            fresh = surprise(accounts, 1)
            age = snap.now - max(status.created_at, back.get(status.author, 0))
            trends.append(
                Trend(
                    kind=TrendKind.STATUS,
                    subject=str(status.id),
                    score=faded(fresh, age, rules.half_life),
                    peak=fresh,
                    peak_at=snap.now,
                    counted_at=snap.now,
                    accounts=BitMap(),
                )
            )
    return _best(trends)


def _eligible(status: Status) -> bool:
    return (
        status.visibility == Visibility.PUBLIC
        and status.reblog_of is None
        and status.in_reply_to is None
        and not status.sensitive
        and not status.spoiler_text
    )


def _interested(snap: Snapshot, status: Status, back: Mapping[int, int]) -> int:
    """Return how many active accounts, but the author, like or boost a status.

    Of a status whose author came back lately, and of an account that did, what was before counts
    for nothing.
    """
    since = back.get(status.author)
    found = BitMap()
    for kind in (SetKind.LIKES, SetKind.BOOSTS):
        key = SetKey(status.id, kind)
        if since is not None:
            after = snap.sets.newest(key, limit=LATEST, above=ticks(since))
            found |= BitMap([entry.member for entry in after])
            continue
        members = snap.sets.bitmap(key)
        found |= members
        for member in members & BitMap(back):
            position = snap.sets.position(key, member)
            if position is not None and position <= ticks(back[member]):
                found.discard(member)
    found.discard(status.author)
    return snap.gate.active_in(found)


def _most_followed(snap: Snapshot) -> list[int]:
    """Return who is followed most, by the counts anybody sees, of those with the largest sets and
    of those who posted lately: to look at every set would take long, and suggest the silent.
    """
    latest = snap.trends.recent_authors(below=MAX_SNOWFLAKE, limit=LATEST)
    large = snap.trends.large_owners(SetKind.FOLLOWERS, 2 * MOST_FOLLOWED)
    ordinals = list(dict.fromkeys((*large, *(author for _, author in latest))))[:POSTED_LATELY]
    keys = {ordinal: SetKey(ordinal, SetKind.FOLLOWERS) for ordinal in ordinals}
    snap.sets.prefetch(keys.values())
    counts = {ordinal: snap.gate.size_active(key) for ordinal, key in keys.items()}
    followed = [ordinal for ordinal, count in counts.items() if count]
    return sorted(followed, key=lambda ordinal: (-counts[ordinal], ordinal))[:MOST_FOLLOWED]
