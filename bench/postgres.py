"""A PostgreSQL of the benchmark's own: made in its work folder, on a free port, gone at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from rostra.testing.server import free_port

ACCOUNT: Final = "postgres"
"""Who it runs as when we are root, which it refuses to run as; Debian's package makes it."""

SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_parallel_maintenance_workers": "2",
    # As Debian ships it otherwise: fsync and synchronous_commit are on.
}


class Missing(RuntimeError):
    """PostgreSQL is not installed; the message says what to do."""


def binaries() -> Path:
    """Return where the newest PostgreSQL's programs are, installing them when we may.

    Raises:
        Missing: there is none, and we may not install it.
    """
    if not (found := _installed()):
        if os.geteuid() == 0:
            apt_install("postgresql")
        if not (found := _installed()):
            raise Missing("PostgreSQL is needed here: apt-get install postgresql")
    return found[-1]


def _installed() -> list[Path]:
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted((path for path in folders if (path / "initdb").exists()), key=_version)


def _version(path: Path) -> int:
    return int(path.parent.name) if path.parent.name.isdigit() else 0


def apt_install(package: str) -> None:
    """Install one of Debian's packages, as root."""
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        **quiet,
    )


@contextmanager
def cluster(base: Path) -> Iterator[str]:
    """Run a cluster in a new folder and give the connection string; stopped and gone when left.

    Args:
        base: where the folder is made, unless the account it runs as cannot come there.

    Raises:
        Missing: PostgreSQL is not installed.
        RuntimeError: it does not start; the message has its log.
    """
    reachable = os.geteuid() != 0 or all(part.stat().st_mode & 1 for part in (base, *base.parents))
    with (
        tempfile.TemporaryDirectory(
            prefix="rostra-bench-postgres-", dir=base if reachable else None
        ) as folder,
        _server(Path(folder)) as address,
    ):
        yield address


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    programs = binaries()
    as_owner: dict[str, Any] = {"cwd": "/"}
    if os.geteuid() == 0:
        as_owner |= {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
        os.chown(folder, *_owner())
    data = folder / "data"
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "bench",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ],
        check=True,
        capture_output=True,
        **as_owner,
    )
    port = free_port()
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), *options],
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is ours to handle: it is stopped in order below
            **as_owner,
        )
    address = f"host=127.0.0.1 port={port} user=bench dbname=postgres"
    try:
        _wait_until_up(address, server, log)
        yield address
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)  # "fast shutdown"
        server.wait()


def _owner() -> tuple[int, int]:
    import pwd

    entry = pwd.getpwnam(ACCOUNT)
    return entry.pw_uid, entry.pw_gid


def _wait_until_up(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None:
                text = log.read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL does not start:\n{text}") from error
        time.sleep(0.05)


def copy_columns(
    connection: psycopg.Connection[Any], table: str, columns: Sequence[NDArray[Any]]
) -> None:
    """Fill a table from arrays of integers, in the binary form of COPY.

    Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").

    Args:
        connection: where to.
        table: a table with as many columns, of the arrays' widths (int16, int32, int64).
        columns: one array a column, of equal lengths.
    """
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for index, column in enumerate(columns):
        width = column.dtype.itemsize
        layout += [(f"size{index}", ">i4"), (f"value{index}", f">i{width}")]
    block = 1_000_000
    with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(columns[0]), block):
            parts = [column[start : start + block] for column in columns]
            rows = np.empty(len(parts[0]), dtype=layout)
            rows["fields"] = len(columns)
            for index, part in enumerate(parts):
                rows[f"size{index}"] = part.dtype.itemsize
                rows[f"value{index}"] = part
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")
