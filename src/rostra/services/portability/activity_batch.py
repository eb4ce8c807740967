"""One batch of a log of activity (``services/portability/activity.py``) within its transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.activity import Event, Kind
from rostra.domain.events import AnyEvent, EverythingReplaced, StatusDeleted
from rostra.domain.ids import SEQUENCE_BITS, snowflake
from rostra.domain.notification_ids import HASH_BITS, HASH_MASK
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Transaction
from rostra.services import text

STRIDE: Final = 1 << (SEQUENCE_BITS - 1)
"""How far an id moves on when another log has left something else under it."""

OPEN: Final = (Visibility.PUBLIC, Visibility.UNLISTED)
MENTION_TEXT: Final = "@{name} (a mention; the log keeps no words)"
REPLY_TEXT: Final = "@{name} (a reply; the log keeps no words)"
MADE_TEXT: Final = "(Something others answered or boosted; the log keeps no words)"


class Memory:
    """What an import keeps in mind between batches; the log and the store can give it again."""

    def __init__(self) -> None:
        self.ordinals: dict[str, int] = {}
        self.met: set[int] = set()  # accounts that were there before
        self.latest: dict[int, int] | None = None  # author → newest status that is no boost
        self.stale: set[int] = set()  # authors whose newest status somebody deleted meanwhile
        self.roots: dict[int, int] = {}  # status made here → the one its conversation begins with
        self.pairs: set[str] = set()  # (actor, target) pairs that stood in a line already
        self.through = 0  # the highest id the lines so far could have made

    def apply(self, event: AnyEvent) -> None:
        """Follow what others do to the store in the meantime."""
        if isinstance(event, StatusDeleted):
            self.stale.add(event.author)


class Texts:
    """The words of imported statuses and their HTML, made once by ``services.text``."""

    _NAME: Final = "somebody0"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mention = (MENTION_TEXT, self._html(MENTION_TEXT))
        self._reply = (REPLY_TEXT, self._html(REPLY_TEXT))
        self.made = self._html(MADE_TEXT)

    def of(self, event: Event) -> tuple[str, str]:
        """Return text and HTML of a mention or reply; a name is digits, safe in any HTML."""
        words, markup = self._mention if event.kind is Kind.MENTION else self._reply
        name = event.target
        return words.replace("{name}", name), markup.replace(self._NAME, name)

    def _html(self, words: str) -> str:
        parsed = text.parse(words.replace("{name}", self._NAME), domain=self._settings.domain)
        somebody = Account(ordinal=0, id=0, username=self._NAME, created_at=0)
        return text.render(parsed, {self._NAME: somebody}, self._settings)


class Batch:
    """The changes of one batch of events within its transaction."""

    def __init__(self, tx: Transaction, memory: Memory, texts: Texts, counts: Counter[str]) -> None:
        self._tx = tx
        self._memory = memory
        self._texts = texts
        self._counts = counts
        self._ordinals = memory.ordinals
        self._latest: dict[int, int] = {}
        self._present: dict[int, int] = {}
        self._statuses: list[Status] = []
        self._notifications: list[Notification] = []
        self._groups: dict[tuple[int, NotificationType, int], int] = {}

    # -- accounts ----------------------------------------------------------------------------------

    def meet(self, events: Sequence[Event]) -> None:
        """Make sure that everybody in the batch has an account."""
        names: dict[str, tuple[int, int]] = {}
        for event in events:
            if event.target not in self._ordinals:
                names.setdefault(event.target, (event.made_id, event.ms))
            if event.actor not in self._ordinals:
                names.setdefault(event.actor, (event.own_id, event.ms))
        if names:
            found = self._tx.accounts.ordinals(names)
            self._memory.met.update(found.values())
            self._ordinals.update(found)
            self._create({name: born for name, born in names.items() if name not in found})
        people = {self._ordinals[name] for event in events for name in event[:2]}
        # What is asked of each pair in which one was there before; see _refused.
        self._tx.sets.prefetch(
            SetKey(account, SetKind.BLOCKING) for account in people if self._memory.met
        )

    def _create(self, names: dict[str, tuple[int, int]]) -> None:
        if not names:
            return
        ids = [account_id for account_id, _ in names.values()]
        taken = self._tx.accounts.ids_between(min(ids), max(ids) + STRIDE * STRIDE)
        first = self._tx.accounts.reserve_ordinals(len(names))
        accounts = []
        for ordinal, (name, (account_id, ms)) in enumerate(names.items(), first):
            while account_id in taken:
                account_id += STRIDE
            taken.add(account_id)
            accounts.append(Account(ordinal=ordinal, id=account_id, username=name, created_at=ms))
            self._ordinals[name] = ordinal
        self._tx.accounts.create_many(accounts, announce=False)
        self._counts["accounts"] += len(accounts)

    # -- statuses ----------------------------------------------------------------------------------

    def add_statuses(self, before: Sequence[Event], events: Sequence[Event]) -> None:
        """Add the statuses and boosts of ``events``; those of ``before`` are in already."""
        memory = self._memory
        memory.through = max([memory.through, *(event.own_id for event in before)])
        if not events:
            return
        self._remember(events)
        for event in events:
            self._counts["events"] += 1
            actor, target = self._ordinals[event.actor], self._ordinals[event.target]
            if self._refused(actor, target):
                self._counts["refused"] += 1
            elif event.kind is Kind.BOOST:
                self._boost(event, actor, target)
            elif event.kind is Kind.MENTION:
                self._say("mentions", event, actor, target, None)
            else:
                answered = self._latest.get(target) or self._make(event, target)
                self._say("replies", event, actor, target, answered)

    def _remember(self, events: Sequence[Event]) -> None:
        """Recall everybody's newest status, and what another import of these lines has left."""
        statuses, memory = self._tx.statuses, self._memory
        if memory.latest is None:
            below = memory.through + 1 if memory.through else events[0].made_id
            memory.latest = statuses.latest_by_author(below=below, visibilities=OPEN)
        for author in memory.stale:
            memory.latest.pop(author, None)
            for status in statuses.by_author(
                author, limit=1, visibilities=OPEN, exclude_reblogs=True
            ):
                memory.latest[author] = status.id
        memory.stale.clear()
        self._latest = memory.latest
        first = min(event.seconds for event in events)
        last = max(event.seconds for event in events)
        self._present = statuses.authors_between(
            snowflake(first * 1000), snowflake((last + 1) * 1000)
        )
        self._tx.sets.prefetch(
            SetKey(self._latest.get(self._ordinals[event.target], event.made_id), SetKind.BOOSTS)
            for event in events
            if event.kind is Kind.BOOST
        )

    def _refused(self, actor: int, target: int) -> bool:
        """Return whether the server would not let this happen."""
        met = self._memory.met
        if not met or not (actor in met or target in met):
            return False
        gate = self._tx.gate
        return (
            gate.state(actor).deleted
            or gate.state(target).deleted
            or gate.blocks(target, actor)
            or gate.blocks(actor, target)
        )

    def _place(self, wanted: int, author: int) -> tuple[int, bool]:
        """Return the id for a status, and whether the author's status is there already."""
        while (owner := self._present.get(wanted)) is not None:
            if owner == author:
                return wanted, True
            wanted += STRIDE
        return wanted, False

    def _make(self, event: Event, author: int) -> int:
        """Give an author a status that can be boosted or answered, and return its id."""
        status_id, present = self._place(event.made_id, author)
        self._latest[author] = status_id
        if not present:
            self._statuses.append(
                Status(
                    id=status_id,
                    author=author,
                    created_at=event.ms,
                    text=MADE_TEXT,
                    content=self._texts.made,
                )
            )
            self._counts["made"] += 1
        return status_id

    def _boost(self, event: Event, actor: int, target: int) -> None:
        original = self._latest.get(target) or self._make(event, target)
        boosts = SetKey(original, SetKind.BOOSTS)
        if not self._tx.sets.add(boosts, actor, at=event.tick):
            self._counts["repeated"] += 1
            return
        status_id, present = self._place(event.own_id, actor)
        if present:
            self._counts["present"] += 1
            return
        self._statuses.append(
            Status(id=status_id, author=actor, created_at=event.ms, reblog_of=original)
        )
        self._counts["boosts"] += 1
        if actor != target:
            self._touch(target, NotificationType.REBLOG, original, boosts, event.tick)

    def _root(self, status_id: int) -> int:
        """Return the status that the conversation of one begins with."""
        root = self._memory.roots.get(status_id)
        if root is None:
            found = self._tx.statuses.get(status_id)
            root = status_id if found is None else found.root
        return root

    def _say(self, what: str, event: Event, actor: int, target: int, answered: int | None) -> None:
        """Add a status that mentions the target; ``what`` it is says how it is counted."""
        status_id, present = self._place(event.own_id, actor)
        self._latest[actor] = status_id
        if present:
            self._counts["present"] += 1
            return
        self._counts[what] += 1
        words, markup = self._texts.of(event)
        self._memory.roots[status_id] = status_id if answered is None else self._root(answered)
        self._statuses.append(
            Status(
                id=status_id,
                author=actor,
                created_at=event.ms,
                text=words,
                content=markup,
                in_reply_to=answered,
                conversation=None if answered is None else self._memory.roots[status_id],
                in_reply_to_author=target if answered else None,
                mentions=(target,),
            )
        )
        if actor != target:
            self._notifications.append(
                Notification(
                    id=(event.tick << HASH_BITS) | (event.own_id & HASH_MASK),
                    type=NotificationType.MENTION,
                    account=target,
                    source=actor,
                    created_at=event.ms,
                    status=status_id,
                )
            )

    # -- follows -----------------------------------------------------------------------------------

    def add_follows(self, events: Sequence[Event]) -> None:
        """Make the first line of each pair a follow."""
        first = []
        for event in events:
            pair = f"{event.actor} {event.target}"
            if pair not in self._memory.pairs:
                self._memory.pairs.add(pair)
                if event.actor != event.target:
                    first.append(event)
        edges = [(self._ordinals[e.actor], self._ordinals[e.target], e.tick) for e in first]
        self._tx.sets.prefetch(SetKey(actor, SetKind.FOLLOWING) for actor, _, _ in edges)
        self._tx.sets.prefetch(SetKey(target, SetKind.FOLLOWERS) for _, target, _ in edges)
        for actor, target, tick in edges:
            if not self._refused(actor, target):
                self._follow(actor, target, tick)

    def _follow(self, actor: int, target: int, tick: int) -> None:
        sets = self._tx.sets
        if target in self._memory.met and sets.contains(SetKey(SERVER, SetKind.LOCKED), target):
            if not sets.contains(SetKey(actor, SetKind.FOLLOWING), target) and sets.add(
                SetKey(target, SetKind.FOLLOW_REQUESTS), actor, at=tick
            ):
                self._counts["requests"] += 1
                waiting = SetKey(target, SetKind.FOLLOW_REQUESTS)
                self._touch(target, NotificationType.FOLLOW_REQUEST, 0, waiting, tick)
        elif sets.add(SetKey(actor, SetKind.FOLLOWING), target, at=tick):
            self._counts["follows"] += 1
            followers = SetKey(target, SetKind.FOLLOWERS)
            self._touch(target, NotificationType.FOLLOW, 0, followers, tick)

    # -- the end -----------------------------------------------------------------------------------

    def _touch(
        self, account: int, type_: NotificationType, subject: int, key: SetKey, tick: int
    ) -> None:
        """Note that a set has news; in a set that was there before it may stand later."""
        if account in self._memory.met:
            tick = self._tx.sets.newest(key, limit=1)[0].position
        self._groups[account, type_, subject] = tick

    def finish(self) -> None:
        """Write what was gathered, and tell every process to forget what it knew."""
        self._tx.statuses.create_many(self._statuses, announce=False)
        for notification in self._notifications:
            self._tx.notifications.store(notification)
        for (account, type_, subject), position in self._groups.items():
            self._tx.notifications.touch_group(account, type_, subject, position)
        self._tx.announce(EverythingReplaced())
