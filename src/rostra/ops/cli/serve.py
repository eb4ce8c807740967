"""``rostra serve``."""

from __future__ import annotations

from rostra.ops.cli.common import HERE, Folder


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    folder: Folder = HERE,
) -> int:
    """Run the server until SIGTERM or Ctrl-C.

    Args:
        host: The address to listen on (default: 127.0.0.1).
        port: The port (default: 8000; 0 takes a free one).
        workers: How many processes answer (default: one a core).
    """
    settings = folder.settings(host=host, port=port, workers=workers)
    from rostra.ops import supervisor  # what only a server needs

    return supervisor.serve(settings)
