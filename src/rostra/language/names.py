"""What the parts of the server's own work are called: probes, figures, states and outcomes.

The record and the API know each by a word that stays (``rolled_back``); pages and reports show its
name in the reader's language. A word without one, of another version perhaps, is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from rostra.language import i18n
from rostra.language.i18n import mark

PROBES: Final[Mapping[str, str]] = {
    "workers": mark("Every worker answers"),
    "sets": mark("Sets on the disk"),
    "mirrors": mark("Both sides of each edge"),
    "hidden": mark("Hidden until the cut-over"),
    "memory": mark("Sets read into memory"),
    "preview": mark("What memory will show"),
    "lookup": mark("Profile by its handle"),
    "profile": mark("Profile by its id"),
    "page": mark("Profile as a page"),
    "followers": mark("List of followers"),
    "statuses": mark("Newest posts"),
    "status": mark("The newest post alone"),
    "search": mark("Found by search"),
    "plan": mark("As many followers as planned"),
    "media": mark("Pictures and files"),
    "relationships": mark("Asked as followers"),
    "strangers": mark("Asked as others"),
    "following": mark("Following counts of followers"),
    "home": mark("Homes of followers"),
    "follow": mark("A follow and its undoing"),
    "hidden again": mark("Hidden again"),
}
"""The titles of probes; their names stay as docs/operate.md has them."""

FIGURES: Final[Mapping[str, str]] = {
    "followers": mark("Followers"),
    "followers_stored": mark("Followers stored"),
    "followers_suspended": mark("Followers suspended themselves"),
    "followers_deleted": mark("Followers deleted"),
    "followers_absent": mark("Followers not here now"),
    "following": mark("Following"),
    "following_stored": mark("Follows stored"),
    "following_hidden": mark("Follows of accounts that are away"),
    "dormant": mark("Follows that become requests"),
    "blocks_since": mark("Blocks since the suspension"),
    "requests_in": mark("Requests that wait for the account"),
    "requests_out": mark("Requests of the account"),
    "statuses": mark("Statuses"),
    "media": mark("Media"),
    "drafts": mark("Scheduled posts that become drafts"),
    "scheduled": mark("Scheduled posts that go out"),
    "mailbox_freed": mark("Its e-mail address may sign up again"),
    "appeals": mark("Open appeals"),
    "labels": mark("Labels"),
    "lifts": mark("What will be lifted"),
    "stays": mark("Stays in force"),
    "hidden_after": mark("Stays hidden because"),
}
"""What the figures of a plan are called where two plans are held to each other."""

KINDS: Final[Mapping[str, str]] = {
    "suspend": mark("Suspension"),
    "disable": mark("Freeze"),
    "silence": mark("Limit"),
    "sensitive": mark("Media behind a warning"),
    "none": mark("Warning"),
}
"""What can be done to an account."""

STEPS: Final[Mapping[str, str]] = {
    "plan": mark("Plan"),
    "staging": mark("Stage"),
    "staged": mark("Staged"),
    "cutting_over": mark("Cut over"),
    "confirming": mark("Confirm"),
    "report": mark("The report"),
    "done": mark("Back"),
    "rolling_back": mark("Roll back"),
    "rolled_back": mark("Rolled back"),
    "failed": mark("Not begun"),
    "refused": mark("Refused"),
    "overtaken": mark("Overtaken"),
}
"""The steps of a run."""

RUNS: Final[Mapping[str, str]] = {
    "staging": mark("staging"),
    "staged": mark("staged"),
    "cutting_over": mark("cutting over"),
    "confirming": mark("confirming"),
    "done": mark("done"),
    "rolling_back": mark("rolling back"),
    "rolled_back": mark("rolled back"),
    "overtaken": mark("overtaken"),
    "failed": mark("stopped, nothing changed"),
    "refused": mark("refused"),
}
"""The states of a run."""

AMNESTIES: Final[Mapping[str, str]] = {
    "planning": mark("being planned"),
    "failed": mark("failed"),
    "planned": mark("waits for approval"),
    "rejected": mark("rejected"),
    "expired": mark("too old"),
    "approved": mark("approved"),
    "running": mark("running"),
    "paused": mark("paused"),
    "halted": mark("halted"),
    "stopped": mark("stopped"),
    "done": mark("done"),
    "rolling_back": mark("rolling back"),
    "rolled_back": mark("rolled back"),
}
"""The states of an amnesty."""

OUTCOMES: Final[Mapping[str, str]] = {
    "pending": mark("to come"),
    "lifted": mark("back"),
    "skipped": mark("left alone"),
    "failed": mark("failed"),
    "rolled_back": mark("suspended again"),
    "kept": mark("kept back"),
}
"""What becomes of an account of an amnesty."""

HAPPENED: Final[Mapping[str, str]] = {
    "started": mark("Started"),
    "wave": mark("Wave over"),
    "paused": mark("Paused"),
    "resumed": mark("Resumed"),
    "halted": mark("Halted"),
    "stopped": mark("Stopped"),
    "finished": mark("Finished"),
    "rolling_back": mark("Rolling back"),
    "rolled_back": mark("Rolled back"),
}
"""What happens to an amnesty."""

STAGED: Final[Mapping[str, str]] = {
    "passed": mark("passed"),
    "followers": mark("followers"),
    "stored": mark("stored"),
    "following": mark("following"),
    "checked": mark("checked"),
    "missed": mark("missed"),
    "took_ms": mark("took ms"),
    "planned": mark("planned"),
}
"""The figures of a step."""

HEADROOM: Final[Mapping[str, str]] = {
    "followers": mark("followers"),
    "returning": mark("readers who come back at once"),
    "requests_a_second": mark("requests a second"),
    "memory": mark("memory (bytes)"),
    "memory_left": mark("memory left (bytes)"),
    "memory_wanted": mark("memory wanted (bytes)"),
    "own_memory": mark("memory of this server (bytes)"),
    "cores": mark("cores"),
    "cores_left": mark("cores left"),
    "cores_wanted": mark("cores wanted"),
    "p99_now": mark("p99 now (s)"),
    "p99_then": mark("p99 then (s)"),
    "busiest_hour": mark("busiest hour"),
}
"""The figures of a server's headroom."""


INPUTS: Final = (
    mark("Username"),
    mark("Email"),
    mark("Password"),
    mark("Agreement"),
    mark("Reason"),
    mark("Date of birth"),
    mark("Category"),
    mark("Category addition"),
    mark("Category specification"),
    mark("Category specification other"),
    mark("Content type"),
    mark("Content type other"),
    mark("Content date"),
    mark("Content language"),
    mark("Legal ground"),
    mark("Explanation"),
    mark("Reference url"),
    mark("Source type"),
    mark("Source identity"),
    mark("Automated decision"),
    mark("Territorial scope"),
    mark("Account type"),
    mark("Private comment"),
    mark("Public comment"),
)
"""What is filled in, as errors call it."""

TYPES: Final = (
    mark("a number"),
    mark("a date, a time, or how long ago"),
    mark("text"),
    mark("a handle"),
    mark("a label"),
    mark("one of its values"),
)
"""What the values of a selector's fields are."""


def named(names: Mapping[str, str]) -> Callable[[str], str]:
    """Return what tells a word's name in the language of the request."""

    def name(word: str) -> str:
        return i18n.gettext(names[word]) if word in names else word.replace("_", " ")

    return name


FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "probe": lambda name: i18n.gettext(PROBES[name]) if name in PROBES else name,
    "plan_figure": named(FIGURES),
    "action_kind": named(KINDS),
    "run_step": named(STEPS),
    "run_state": named(RUNS),
    "amnesty_state": named(AMNESTIES),
    "outcome": named(OUTCOMES),
    "happened": named(HAPPENED),
    "step_figure": named(STAGED),
    "headroom_figure": named(HEADROOM),
}
"""All of it as filters of templates."""
