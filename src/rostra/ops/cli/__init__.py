"""The command line: ``rostra``.

A command's module is imported when the command is used, so that ``rostra token create`` does not
wait for what only ``rostra serve`` needs.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from rostra import __version__
from rostra.domain.errors import RostraError

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130
"""As shells count what a signal ended: 128 and its number."""

_WHOLE_NUMBER: Final = re.compile(r'unable to convert ("[^"]*") into int')
"""What cyclopts says of one that was wanted, in words of programmers."""

app = App(
    name="rostra",
    help="A social server that speaks the Mastodon client API.",
    version=__version__,
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
)
for _name, _target, _help in (
    ("serve", "serve:serve", "Run the server until SIGTERM or Ctrl-C."),
    ("account", "account:app", "Create, show, suspend and reinstate accounts."),
    ("appeal", "appeal:app", "List appeals, read one, accept and reject."),
    ("reinstate", "reinstate:app", "Bring one account back: plan, run, roll back, report."),
    ("decision", "decision:app", "Leave a reinstatement or an amnesty to a public poll."),
    ("token", "token:app", "Give an account an access token."),
    ("alert", "alert:app", "Try the addresses that alerts go to."),
    ("capacity", "capacity:capacity", "Say whether the server can bear a returning audience."),
    ("amnesty", "amnesty:app", "Plan, approve, run and roll back amnesties."),
    ("announcement", "announcement:app", "Publish, list and withdraw announcements."),
    ("emoji", "emoji:app", "Add, remove and list custom emojis."),
    ("feature", "feature:app", "Suggest accounts to everybody."),
    ("rule", "about:rules", "Set the rules of the server."),
    ("text", "about:texts", "Set what the server says of itself."),
    ("search", "about:search", "Make the index of words anew."),
    ("ledger", "ledger:app", "Check, show and export the record of all decisions."),
    ("doctor", "doctor:doctor", "Check a data folder, and repair what can be."),
    ("import", "activity:import_app", "Bring in recorded activity."),
    ("rehearse", "rehearse:app", "Try out in a world apart what shall be done in the real one."),
    ("replay", "activity:replay", "Play recorded activity against a running server."),
    ("demo", "demo:demo", "Run a server with a small world in it."),
):
    app.command(f"rostra.ops.cli.{_target}", name=_name, help=_help)


def main() -> None:
    """Run the command the process was started with, and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 used wrongly, 130 interrupted.

    What went wrong is told on standard error, in one line unless it is about a place in a text; the
    traceback of what nobody foresaw is shown when ``ROSTRA_LOG_LEVEL`` is ``debug``.
    """
    # Numbers are added up in one thread; more would only be in the way when processes are forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = app(list(arguments))
        sys.stdout.flush()
    except CycloptsError as error:
        return _fail(_WHOLE_NUMBER.sub(r"\1 is no whole number", str(error)), MISUSED)
    except RostraError as error:
        # What says by its lines where something is wrong (a selector, a list) keeps them.
        first, *others = _explained(error).split("\n")
        _fail(first)
        for line in others:
            print(line, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it: nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _unforeseen(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(
            f"{error.strerror}: make room, then do it again; what was written is not whole"
        )
    except Exception as error:
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception) -> int:
    if os.environ.get("ROSTRA_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exc()
    return _fail(f"unexpected {type(error).__name__}: {error} (ROSTRA_LOG_LEVEL=debug shows where)")


def _explained(error: RostraError) -> str:
    log = str(error)
    return error.message if log == error.message else f"{error.message} ({log})"


def _fail(message: str, code: int = FAILED) -> int:
    print(f"rostra: {' '.join(message.split())}", file=sys.stderr)
    return code
