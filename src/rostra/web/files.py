"""Files sent from a page: read to the disk within their limits, and removed when answered."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from rostra.domain.errors import Malformed, TooLarge
from rostra.domain.media_types import HEAD_BYTES, PICTURES, type_of
from rostra.ports import Context
from rostra.web.visits import (
    MAX_FIELDS,
    MAX_FORM_BYTES,
    Submission,
    cleaned,
    identify,
    require_account,
    submitted,
)

MAX_FILES: Final = 4

Files = dict[str, list[Path]]
"""Where the files of each field are."""


@asynccontextmanager
async def submission_with_files(
    ctx: Context, request: Request, *, most: int | None = None
) -> AsyncIterator[tuple[Submission, Files]]:
    """Give the form that somebody signed in sent, and where its files are while it is answered.

    Args:
        ctx: the ports.
        request: the form.
        most: how many bytes a file may have; the limits of media when not given.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the form is not from one of our pages, or from another session.
        TooLarge: a file, or the whole of it, is over the limit.
        Malformed: it cannot be read.
    """
    with ctx.store.read() as snap:  # nobody else may make the server take in large bodies
        require_account(identify(snap, request))
    length = request.headers.get("content-length", "")
    whole = (most or MAX_FILES * ctx.settings.max_film_bytes) + MAX_FORM_BYTES
    if not length.isdigit() or int(length) > whole:
        raise TooLarge("That is too large to be sent. Choose a smaller file.")
    try:
        form = request.form(
            max_fields=MAX_FIELDS, max_files=MAX_FILES, max_part_size=MAX_FORM_BYTES
        )
        async with form as data:
            fields = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
            sent = submitted(ctx, request, cleaned(fields))
            files: Files = {}
            try:
                await _keep(ctx, data, files, most)
                yield sent, files
            finally:
                for path in (path for paths in files.values() for path in paths):
                    await ctx.files.discard(path)
    except HTTPException as error:
        raise Malformed("The form cannot be read. Go back and send it again.") from error


async def _keep(ctx: Context, data: FormData, files: Files, most: int | None) -> None:
    for name, value in data.multi_items():
        if not isinstance(value, UploadFile) or not value.size:
            continue
        head = await value.read(HEAD_BYTES)
        await value.seek(0)
        settings = ctx.settings
        picture = type_of(head) in PICTURES
        limit = most or (settings.max_image_bytes if picture else settings.max_film_bytes)
        if value.size > limit:
            raise TooLarge(
                "%(name)s is too large. Choose a file of at most %(size)s MB.",
                name=value.filename or "",
                size=f"{limit / 1_048_576:g}",
            )
        path = ctx.files.temporary()
        files.setdefault(name, []).append(path)
        await asyncio.to_thread(_copy, value, path)


def _copy(sent: UploadFile, path: Path) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(sent.file, file)
