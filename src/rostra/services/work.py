"""The work that services put off to the job process: what each job's name means.

A handler is given the context, and the payload as keyword arguments. It may be killed half-way and
is then called again, so each does only what is still to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from rostra.domain.account_set import SetKind
from rostra.domain.errors import RostraError, Unavailable
from rostra.domain.transfers import LINES, Transfer, TransferKind
from rostra.ports import Context
from rostra.services import accounts, alerts, appeals, mail, statuses
from rostra.services.amnesty import driving, planning
from rostra.services.appeals import granting
from rostra.services.attachments import cards, media, uploads
from rostra.services.discovery import search
from rostra.services.membership import account_deletion, departures, sign_up_notices
from rostra.services.moderation import decision_polls, enforcing, reports
from rostra.services.portability import exports, imports, transfers, x_import
from rostra.services.publishing import editing, favourites, polls, scheduling
from rostra.services.reinstatement import running
from rostra.services.server import announcements
from rostra.services.social_graph import lists, relationships

EDGES_AT_ONCE: Final = 5000

Handler = Callable[..., Awaitable[object]]


async def _purge_edges(ctx: Context, *, account: int) -> None:
    while await accounts.purge_edges(ctx, account=account, limit=EDGES_AT_ONCE):
        pass


async def _purge_status(
    ctx: Context, *, status: int, votes: list[int] | None = None, options: int = 0
) -> None:
    # A job of an earlier version says how many options the poll had.
    kinds = votes if votes is not None else [SetKind.VOTES + n for n in range(options)]
    while await statuses.purge_status(ctx, status=status, votes=kinds):
        pass


async def _purge_votes(ctx: Context, *, status: int, votes: list[int]) -> None:
    while await statuses.purge_votes(ctx, status=status, votes=votes):
        pass


async def _purge_media(ctx: Context, *, account: int) -> None:
    while await media.purge(ctx, account=account):
        pass  # each of its files is forgotten by caches as it is removed


_TRANSFERS: Final[Mapping[TransferKind, Callable[[Context, Transfer], Awaitable[None]]]] = {
    **dict.fromkeys(LINES, imports.run),
    TransferKind.X_ARCHIVE: x_import.run,
    TransferKind.ARCHIVE: exports.run,
}


async def _run_transfer(ctx: Context, *, account: int, transfer: int) -> None:
    with ctx.store.read() as snap:
        found = snap.transfers.get(account, transfer)
    if found is None or found.state.is_over:
        return
    try:
        await _TRANSFERS[found.kind](ctx, found)
    except Unavailable:
        raise  # a full disk, say: tried again later
    except RostraError as error:
        await transfers.finish(ctx, found, error=error.message)


async def _run_amnesty(ctx: Context, *, amnesty: int) -> None:
    await driving.work(ctx, amnesty=amnesty, aside=ASIDE)


HANDLERS: Final[Mapping[str, Handler]] = {
    "accept_requests": relationships.accept_requests,
    "announce_report": reports.announce,
    "announce_sign_up": sign_up_notices.announce_sign_up,
    "begin_suspension": enforcing.begin_suspension,
    "clear_list": lists.clear_members,
    "close_decision": decision_polls.close_decision,
    "close_poll": polls.close_poll,
    "collect_again": favourites.collect_again,
    "end_mute": relationships.end_mute,
    "fetch_card": cards.fetch,
    "deliver_alert": alerts.deliver_alert,
    "erase_data": departures.erase_data,
    "give_up_plan": planning.give_up_plan,
    "index_words": search.index_words,
    "plan_amnesty": planning.carry_out,
    "plan_accepted": granting.plan_accepted,
    "prepare_return": enforcing.prepare_return,
    "process_media": uploads.process,
    "purge_announcement": announcements.purge,
    "publish_scheduled": scheduling.publish,
    "purge_caches": media.purge_caches,
    "purge_edges": _purge_edges,
    "purge_own": account_deletion.purge_own,
    "purge_media": _purge_media,
    "purge_status": _purge_status,
    "purge_votes": _purge_votes,
    "record_expired": enforcing.record_expired,
    "remove_files": media.remove_files,
    "ring_bells": statuses.ring_bells,
    "run_reinstatement": running.drive,
    "roll_back_amnesty": _run_amnesty,
    "run_amnesty": _run_amnesty,
    "run_transfer": _run_transfer,
    "send_alert": alerts.send_alert,
    "send_mail": mail.send_mail,
    "tell_card": cards.tell,
    "tell_of_edit": editing.tell_of_edit,
    "tell_overdue": appeals.tell_overdue,
}
"""What does a job, by the name it was enqueued under."""

ASIDE: Final[Mapping[str, int]] = {
    "deliver_alert": 4,
    "fetch_card": 4,
    "plan_amnesty": 1,
    "process_media": 1,
    "run_reinstatement": 4,
    "roll_back_amnesty": 1,
    "run_amnesty": 1,
    "run_transfer": 2,
    "plan_accepted": 1,
    "purge_caches": 1,
    "send_mail": 2,
}
"""Jobs that take long without the store: so many of each are done beside the others, so that these
need not wait."""

TRIES: Final[Mapping[str, int]] = {"deliver_alert": 15}
"""Jobs that are of no use for ever: how often each is tried (15 times: some three hours)."""
