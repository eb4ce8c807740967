"""A client that follows, unfollows and reads an account over HTTP until it is told to stop.

``python -m bench.visitor PORT TOKEN ACCOUNT OUT`` runs until SIGTERM and then writes to OUT
what it did and when.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.results import ROOT
from rostra.testing.people import Person
from rostra.testing.server import Client


class Act(Struct, frozen=True, array_like=True):
    """One request: when it was answered (s since 1970), how long it took (ms), what came."""

    at: float
    ms: float
    what: str
    status: int


def visit(port: int, token: str, account: int, stopped: list[bool]) -> list[Act]:
    """Follow, unfollow and read over one connection until ``stopped`` has something in it.

    Raises:
        RuntimeError: the server failed, or said something no server of this kind may say.
    """
    steps = (
        ("POST", "follow", f"/api/v1/accounts/{account}/follow", {200, 404}),
        ("GET", "account", f"/api/v1/accounts/{account}", {200}),
        ("GET", "followers", f"/api/v1/accounts/{account}/followers?limit=20", {200, 404}),
        ("GET", "button", f"/api/v1/accounts/relationships?id[]={account}", {200}),
        ("POST", "unfollow", f"/api/v1/accounts/{account}/unfollow", {200}),
        ("GET", "home", "/api/v1/timelines/home?limit=20", {200}),
    )
    acts = []
    with Client(port, token) as client:
        while not stopped:
            for method, what, path, expected in steps:
                started = time.perf_counter()
                answer = client.send(method, path)
                elapsed = time.perf_counter() - started
                if answer.status not in expected:
                    raise RuntimeError(f"{method} {path} gave {answer.status}: {answer.data}")
                acts.append(Act(time.time(), elapsed * 1e3, what, answer.status))
    return acts


def main(arguments: Sequence[str]) -> None:
    """Visit until SIGTERM."""
    port, token, account, out = arguments
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda signum, frame: stopped.append(True))
    Path(out).touch()  # from here on it can be told to stop
    acts = visit(int(port), token, int(account), stopped)
    Path(out).write_bytes(msgspec.json.encode(acts))


class Visitors:
    """Visitors that are at work in processes of their own; made by ``visitors``."""

    def __init__(self, processes: list[subprocess.Popen[bytes]], files: list[Path]) -> None:
        self._processes = processes
        self._files = files

    def stop(self) -> list[Act]:
        """End their visits and return what they did, in order of time.

        Raises:
            RuntimeError: one of them failed.
        """
        for process in self._processes:
            process.terminate()
        codes = [process.wait() for process in self._processes]
        if any(codes):
            raise RuntimeError("a visitor failed; what it met stands above")
        acts = [
            act
            for file in self._files
            for act in msgspec.json.decode(file.read_bytes(), type=list[Act])
        ]
        return sorted(acts, key=lambda act: act.at)

    def kill(self) -> None:
        """End those that still run, whatever they are at."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def visitors(port: int, people: Sequence[Person], account: int, folder: Path) -> Iterator[Visitors]:
    """Let each of ``people`` visit an account (its id) for as long as the context is open."""
    files = [folder / f"visitor-{person.username}.json" for person in people]
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.visitor",
                str(port),
                person.token,
                str(account),
                str(file),
            ],
            cwd=ROOT,
        )
        for person, file in zip(people, files, strict=True)
    ]
    found = Visitors(processes, files)
    try:
        while not all(file.exists() for file in files):
            if any(process.poll() is not None for process in processes):
                raise RuntimeError("a visitor failed; what it met stands above")
            time.sleep(0.01)
        yield found
    finally:
        found.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
