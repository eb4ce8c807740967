"""Imports and exports: asking for one, watching it, stopping it, and the job that does it.

The work itself is in ``imports`` (files of lines), ``x_import`` (the archive of X) and
``exports``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import structs

from rostra.domain.accounts import Account
from rostra.domain.errors import Conflict, Invalid, NotFound, TooMany
from rostra.domain.statuses import Visibility
from rostra.domain.transfers import (
    MAX_FILE_BYTES,
    Transfer,
    TransferKind,
    TransferState,
    parse,
)
from rostra.ports import Context, Snapshot, Transaction, View

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 7 * DAY_MS
"""How long a finished transfer's file stays."""

FILE: Final = "archive"
"""What a transfer's file is called under its key."""


def show(view: View, actor: int, transfer_id: int) -> Transfer:
    """Return what an account asked for.

    Raises:
        NotFound: it asked for nothing under this id.
    """
    found = view.transfers.get(actor, transfer_id)
    if found is None:
        raise NotFound
    return found


def listed(snap: Snapshot, actor: int) -> list[Transfer]:
    """Return what an account asked for, newest first."""
    return snap.transfers.of(actor)


def _enqueue(tx: Transaction, transfer: Transfer) -> Transfer:
    """Put down a transfer that begins as soon as the job process comes to it.

    Raises:
        Conflict: another of the account is not over.
    """
    for other in tx.transfers.of(transfer.account):
        if not other.state.is_over:
            raise Conflict("Another import or export is at work: wait for it, or stop it first")
    tx.transfers.put(transfer)
    named = {"account": transfer.account, "transfer": transfer.id}
    tx.jobs.enqueue("run_transfer", named, tx.now)
    return transfer


async def bring_lines(
    ctx: Context, *, actor: int, kind: TransferKind, data: bytes, name: str = "", overwrite: bool
) -> Transfer:
    """Bring in a file of follows, blocks, mutes, blocked domains, lists or bookmarks.

    Args:
        ctx: the ports.
        actor: whose they will be.
        kind: what the file is of.
        data: the file.
        name: what it is called, to recognise it by.
        overwrite: also remove what the file does not name.

    Raises:
        Invalid: it is not such a file.
        Conflict: another transfer of the account is not over.
        Forbidden: the actor may not act.
    """
    if not kind.is_lines:
        raise Invalid("Choose what is in the file: follows, blocks, mutes, lists or bookmarks")
    if len(data) > MAX_FILE_BYTES:
        raise Invalid(
            "The file is too large: at most %(num)s MiB are taken", num=MAX_FILE_BYTES // 2**20
        )
    lines = parse(kind, data)

    def change(tx: Transaction) -> Transfer:
        tx.gate.require_may_act(actor)
        transfer = Transfer(
            id=tx.next_id(),
            account=actor,
            kind=kind,
            created_at=tx.now,
            name=name[:200],
            overwrite=overwrite,
            total=len(lines),
        )
        _enqueue(tx, transfer)
        tx.transfers.add_lines(transfer.id, lines)
        return transfer

    return await ctx.store.write(change)


async def bring_x_archive(
    ctx: Context,
    *,
    actor: int,
    file: Path,
    name: str = "",
    visibility: Visibility = Visibility.PUBLIC,
    replies: bool = False,
) -> Transfer:
    """Bring in the archive that a person downloaded from X (Twitter).

    Args:
        ctx: the ports.
        actor: whose statuses they will be.
        file: the ZIP file; it is moved away.
        name: what it is called, to recognise it by.
        visibility: who may see the statuses.
        replies: also bring those that answer others.

    Raises:
        Conflict: another transfer of the account is not over.
        Forbidden: the actor may not act.
    """
    key = ctx.files.new_key()
    await ctx.files.put(key, {FILE: file})

    def change(tx: Transaction) -> Transfer:
        tx.gate.require_may_act(actor)
        transfer = Transfer(
            id=tx.next_id(),
            account=actor,
            kind=TransferKind.X_ARCHIVE,
            created_at=tx.now,
            name=name[:200],
            file=key,
            visibility=int(visibility),
            replies=replies,
        )
        tx.media.own_files(key, actor, tx.now)
        return _enqueue(tx, transfer)

    try:
        return await ctx.store.write(change)
    except Exception:  # who is cancelled may have been written: what was not is swept later
        await ctx.files.remove(key)
        raise


async def take_away(ctx: Context, *, actor: int) -> Transfer:
    """Ask for an archive of everything one has here; one may be suspended and do so.

    Raises:
        Conflict: another transfer of the account is not over.
        TooMany: one was made within a day.
        NotFound: the account is deleted.
    """

    def change(tx: Transaction) -> Transfer:
        require_owner(tx, actor)
        for other in tx.transfers.of(actor):
            recent = tx.now - other.created_at < DAY_MS
            if other.kind == TransferKind.ARCHIVE and other.file and recent:
                raise TooMany("An archive of today is there: download that, or ask tomorrow")
        transfer = Transfer(
            id=tx.next_id(), account=actor, kind=TransferKind.ARCHIVE, created_at=tx.now
        )
        return _enqueue(tx, transfer)

    return await ctx.store.write(change)


def require_owner(view: View, actor: int) -> Account:
    """Return the account of somebody who may take their data away.

    Raises:
        NotFound: it is deleted.
    """
    return view.gate.require_account(view.accounts.get(actor))


async def stop(ctx: Context, *, actor: int, transfer_id: int) -> Transfer:
    """Stop a transfer; what it did stays. Stopping one that is over changes nothing.

    Raises:
        NotFound: there is none of this id.
    """

    def change(tx: Transaction) -> Transfer:
        transfer = show(tx, actor, transfer_id)
        if transfer.state.is_over:
            return transfer
        return _end(tx, transfer, TransferState.STOPPED)

    return await ctx.store.write(change)


def _end(tx: Transaction, transfer: Transfer, state: TransferState, error: str = "") -> Transfer:
    ended = structs.replace(transfer, state=state, error=error, finished_at=tx.now)
    if ended.kind != TransferKind.ARCHIVE or state != TransferState.DONE:
        ended = drop_file(tx, ended)
    tx.transfers.put(ended)
    tx.transfers.drop_lines(transfer.id)
    return ended


def drop_file(tx: Transaction, transfer: Transfer) -> Transfer:
    """Return a transfer without its file, which a job removes."""
    if not transfer.file:
        return transfer
    tx.media.disown_files(transfer.file)
    tx.jobs.enqueue("remove_files", {"key": transfer.file}, tx.now)
    return structs.replace(transfer, file="")


async def advance(
    ctx: Context,
    transfer: Transfer,
    *,
    place: int | None = None,
    total: int | None = None,
    done: int = 0,
    failed: int = 0,
) -> Transfer | None:
    """Put down how far a transfer is; None when it was stopped meanwhile.

    Args:
        ctx: the ports.
        transfer: as it was before.
        place: where to go on.
        total: how many things there are.
        done: how many more are dealt with.
        failed: how many of those in vain.
    """
    return await ctx.store.write(
        lambda tx: note(tx, transfer, place=place, total=total, done=done, failed=failed)
    )


def note(
    tx: Transaction,
    transfer: Transfer,
    *,
    place: int | None = None,
    total: int | None = None,
    done: int = 0,
    failed: int = 0,
) -> Transfer | None:
    """Do as ``advance`` does, within the transaction of the work itself."""
    current = tx.transfers.get(transfer.account, transfer.id)
    if current is None or current.state.is_over:
        return None
    after = structs.replace(
        current,
        state=TransferState.RUNNING,
        place=current.place if place is None else place,
        total=current.total if total is None else total,
        done=current.done + done,
        failed=current.failed + failed,
    )
    tx.transfers.put(after)
    return after


async def finish(
    ctx: Context, transfer: Transfer, *, file: str = "", error: str = ""
) -> Transfer | None:
    """End a transfer: done, or failed with an error for its owner; None when it was stopped."""

    def change(tx: Transaction) -> Transfer | None:
        current = tx.transfers.get(transfer.account, transfer.id)
        if current is None or current.state.is_over:
            return None
        if file:
            current = structs.replace(current, file=file)
            tx.media.own_files(file, current.account, tx.now)
        return _end(tx, current, TransferState.FAILED if error else TransferState.DONE, error)

    return await ctx.store.write(change)


async def remove(ctx: Context, *, actor: int, transfer_id: int) -> None:
    """Forget a transfer that is over, with its file.

    Raises:
        NotFound: there is none of this id.
        Conflict: it is not over.
    """

    def change(tx: Transaction) -> None:
        transfer = show(tx, actor, transfer_id)
        if not transfer.state.is_over:
            raise Conflict("This is still at work: stop it first")
        drop_file(tx, transfer)
        tx.transfers.remove(actor, transfer_id)

    await ctx.store.write(change)


async def sweep(ctx: Context, *, limit: int = 50) -> bool:
    """Remove the files of transfers that were over a week ago; return whether there may be more."""

    def change(tx: Transaction) -> bool:
        found = tx.transfers.over(before=tx.now - KEPT_MS, limit=limit)
        for transfer in found:
            tx.transfers.put(drop_file(tx, transfer))
        return len(found) == limit

    return await ctx.store.write(change)
