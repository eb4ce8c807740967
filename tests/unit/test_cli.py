"""The command line, as a shell sees it."""

import io
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from rich.console import Console

from rostra.domain.errors import Invalid
from rostra.ops.cli.common import parse_seconds, parse_time, shown_time
from rostra.ops.cli.listing import Listing
from rostra.testing.server import command, environment

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "correct horse battery"
NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def rostra(tmp_path: Path) -> Run:
    """Run a command on a data folder of this test's own."""

    def run(
        *arguments: str,
        stdin: str = "",
        stdout: IO[str] | int = subprocess.PIPE,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**environment(data="world"), **variables},
            check=False,
        )

    return run


def one_line(result: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """Return what a failed command said, having checked that it is one line and nothing else."""
    assert (result.returncode, result.stdout) == (code, ""), result
    (line,) = result.stderr.splitlines()
    assert line.startswith("rostra: ")
    return line.removeprefix("rostra: ")


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout.strip()


def test_an_account_is_created_shown_suspended_and_reinstated(rostra: Run) -> None:
    account_id = done(
        rostra("account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD)
    )
    assert account_id.isdigit()
    create = ["account", "create", "mod", "--email", "m@x.example", "--role", "moderator"]
    done(rostra(*create, stdin=f"{PASSWORD}\n"))

    said = done(
        rostra("account", "suspend", "@anna", "--by", "mod", "--ground", "spam", "--until", "30d")
    )
    assert said.startswith("@anna is suspended until 20")
    shown = json.loads(done(rostra("account", "show", "anna", "--json")))
    assert shown["id"] == account_id
    assert shown["state"] == ["suspended"]
    assert shown["true"] == shown["public"] == {"followers": 0, "following": 0, "statuses": 0}
    (action,) = shown["in_force"]
    assert (action["type"], action["ground"], action["by"]) == ("suspend", "spam", "mod")

    again = ["account", "reinstate", "anna", "--by", "mod", "--reason", "overturned"]
    assert done(rostra(*again)) == "@anna is reinstated (1 suspension lifted)"
    table = done(rostra("account", "show", "anna"))
    assert "@anna (active)" in table
    assert "overturned" in table
    assert "there is nothing to lift" in one_line(rostra(*again))


def test_an_account_is_named_as_people_write_it(rostra: Run) -> None:
    here = {"ROSTRA_DOMAIN": "social.example"}
    create = ["account", "create", "@anna@social.example", "--email", "a@x.example"]
    done(rostra(*create, stdin=f"{PASSWORD}\n", **here))
    for name in ("anna", "@anna", "ANNA@social.example", "@Anna@Social.Example"):
        shown = json.loads(done(rostra("account", "show", name, "--json", **here)))
        assert shown["username"] == "anna", name
        ledger = rostra("ledger", "show", name, "--json", **here)
        assert json.loads(done(ledger)) == [], name
    told = one_line(rostra("account", "show", "@anna@elsewhere.example", **here))
    assert told == (
        "@anna@elsewhere.example: That is an account of another server, "
        "and remote accounts are not known here"
    )
    assert one_line(rostra("account", "show", "@bert@social.example", **here)) == (
        "There is no account called @bert@social.example"
    )


def test_commands_that_are_told_can_be_pasted(rostra: Run, tmp_path: Path) -> None:
    """What to do next is about the folder that was named, whatever its name is."""
    settings = tmp_path / "other rostra.toml"
    settings.write_text('domain = "social.example"\n')
    place = ("--data", "it's here", "--config", str(settings))
    for name, role in (("anna", "user"), ("mod", "moderator")):
        create = ["account", "create", name, "--email", f"{name}@x.example", "--role", role]
        done(rostra(*create, *place, stdin=f"{PASSWORD}\n"))
    done(rostra("account", "suspend", "anna", "--by", "mod", "--ground", "spam", *place))
    asked, told = done(rostra("reinstate", "plan", "anna", "--by", "mod", *place)).splitlines()[-2:]
    assert asked == "To carry it out, for the reason overturned, served or amnesty:"
    words = shlex.split(told)
    assert words[:4] == ["rostra", "reinstate", "run", "anna"]
    assert words[-4:] == list(place)
    assert words[words.index("--by") + 1] == "mod"
    words[words.index("REASON")] = "served"
    refused = one_line(rostra(*words[1:]))
    _, _, serve = refused.partition("start ")
    assert shlex.split(serve.partition(",")[0]) == ["rostra", "serve", *place]
    (planned,) = (
        rostra("amnesty", "plan", "--by", "mod", "--where", "all", *place)
        .stdout.split("may approve it:\n")[1]
        .splitlines()
    )
    assert shlex.split(planned)[-4:] == list(place)
    shown = one_line(rostra("amnesty", "show", "odd", *place)).partition("see ")[2]
    assert "planned" in done(rostra(*shlex.split(shown)[1:]))


def test_a_role_is_changed_and_the_last_owner_stays_one(rostra: Run) -> None:
    for name, role in (("boss", "owner"), ("anna", "user")):
        create = ["account", "create", name, "--email", f"{name}@x.example", "--role", role]
        done(rostra(*create, stdin=f"{PASSWORD}\n"))
    appoint = ["account", "role", "@anna", "moderator"]
    assert "Only an owner may change roles" in one_line(rostra(*appoint, "--by", "anna"))
    assert done(rostra(*appoint, "--by", "boss")) == "@anna is a moderator, no user any more"
    assert done(rostra(*appoint)) == "@anna is a moderator already"
    assert json.loads(done(rostra("account", "show", "anna", "--json")))["role"] == "moderator"
    assert "make somebody else one first" in one_line(rostra("account", "role", "boss", "user"))
    (entry,) = json.loads(done(rostra("ledger", "show", "anna", "--json")))
    assert (entry["kind"], entry["about"]) == ("role_changed", {"text": "user → moderator"})
    done(rostra("account", "role", "anna", "owner"))
    assert "@boss is a user" in done(rostra("account", "role", "boss", "user"))


def test_a_token_is_printed_alone(rostra: Run) -> None:
    done(rostra("account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD))
    token = done(rostra("token", "create", "anna", "--scopes", "read admin:read"))
    assert len(token) >= 32
    assert token.split() == [token]
    assert done(rostra("token", "create", "anna")) != token
    assert "are not scopes" in one_line(rostra("token", "create", "anna", "--scopes", "everything"))
    assert "no account called bert" in one_line(rostra("token", "create", "bert"))


def test_what_is_refused_is_said_in_one_line(rostra: Run) -> None:
    create = ["account", "create", "anna", "--email", "a@x.example", "--password"]
    assert "There is no data in world" in one_line(rostra("account", "show", "anna"))
    done(rostra(*create, PASSWORD))
    assert "already been taken" in one_line(rostra(*create, PASSWORD))
    suspend = ["account", "suspend", "anna", "--by", "anna", "--ground", "x"]
    assert "@anna is no moderator" in one_line(rostra(*suspend))
    assert "is not a time" in one_line(rostra(*suspend, "--until", "tomorrow"))


def test_wrong_usage_is_exit_code_2(rostra: Run) -> None:
    assert "accoun" in one_line(rostra("accoun"), 2)
    assert "NAME" in one_line(rostra("account", "create"), 2)
    reinstate = ["account", "reinstate", "anna", "--by", "mod", "--reason", "whim"]
    assert "overturned" in one_line(rostra(*reinstate), 2)


def test_a_list_of_none_says_that_there_are_none_and_is_never_asked_for(rostra: Run) -> None:
    done(rostra("account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD))
    assert "No account was reinstated" in done(rostra("reinstate", "list"))
    assert "No amnesty was planned yet" in done(rostra("amnesty", "list"))
    assert done(rostra("amnesty", "list", "--state", "halted")) == "No amnesty is halted."
    for what in (("reinstate", "list"), ("amnesty", "list"), ("amnesty", "accounts", "1")):
        assert "--limit. Must be >= 1" in one_line(rostra(*what, "--limit", "0"), 2)


@pytest.mark.parametrize("verb", ["status", "report", "rollback"])
def test_a_run_is_named_by_its_id(rostra: Run, verb: str) -> None:
    create = ["account", "create", "anna", "--email", "a@x.example", "--role", "moderator"]
    done(rostra(*create, "--password", PASSWORD))
    by = ("--by", "anna") if verb == "rollback" else ()
    for id_ in ("abc", "9" * 20, "-5"):
        told = one_line(rostra("reinstate", verb, *by, "--", id_), 1)
        assert told == f'There is no run "{id_}": see rostra reinstate list'


def test_numbers_that_are_none_or_too_large_are_told(rostra: Run) -> None:
    done(rostra("account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD))
    told = one_line(rostra("capacity", "--followers", "1e6"), 2)
    assert told == 'Invalid value for --followers: "1e6" is no whole number.'
    for option in ("--after", "--wave"):
        assert "Must be <=" in one_line(rostra("amnesty", "accounts", "1", option, "9" * 20), 2)


def test_output_that_finds_no_room_is_told(rostra: Run) -> None:
    done(rostra("account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD))
    with open("/dev/full", "w") as full:
        result = rostra("ledger", "export", stdout=full)
    assert result.returncode == 1
    assert result.stderr == (
        "rostra: No space left on device: make room, then do it again; "
        "what was written is not whole\n"
    )


def test_wrong_settings_stop_a_command(rostra: Run, tmp_path: Path) -> None:
    said = one_line(rostra("account", "show", "anna", ROSTRA_PORT="high"))
    assert "port in the variable ROSTRA_PORT" in said
    (tmp_path / "rostra.toml").write_text("\nprot = 1\n")
    assert one_line(rostra("serve")) == (
        "prot in rostra.toml, line 2 is not a setting; did you mean port?"
    )


def test_a_folder_that_cannot_be_made_is_named(rostra: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    create = ["account", "create", "anna", "--email", "a@x.example", "--password", PASSWORD]
    assert "file/inside" in one_line(rostra(*create, "--data", "file/inside"))


def test_every_command_says_what_it_does_and_takes_the_data_folder(rostra: Run) -> None:
    overview = done(rostra("--help"))
    for name in ("serve", "doctor", "replay", "demo"):
        assert name in overview
        assert "--data" in done(rostra(name, "--help"))
    assert done(rostra("--version"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("30d", "2026-01-31T00:00:00Z"),
        ("90m", "2026-01-01T01:30:00Z"),
        ("45s", "2026-01-01T00:00:45Z"),
        ("12 h", "2026-01-01T12:00:00Z"),
        ("4w", "2026-01-29T00:00:00Z"),
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T12:00", "2027-01-31T12:00:00Z"),
        ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"),
        ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
    ],
)
def test_times_are_iso_8601_or_durations(text: str, shown: str) -> None:
    assert shown_time(parse_time(text, NOW)) == shown


@pytest.mark.parametrize(
    "text", ["", "d", "30", "30y", "-1d", "0d", "tomorrow", "2025-12-31", "999999999w"]
)
def test_other_times_and_past_ones_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"time|future"):
        parse_time(text, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("10m", 600), (" 2 h ", 7200), ("1d", 86_400), ("0", 0)]
)
def test_durations_are_read_in_seconds(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5h", "10 minutes", "9999999999"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="write 45s, 10m"):
        parse_seconds(text)


def test_a_row_of_several_lines_keeps_them_where_there_is_no_room_for_a_table() -> None:
    table = Listing("no.", "what", "by")
    table.add_row("7", "Suspended\nSpam", "@moderator")
    table.add_row("8", "Lifted", "")
    out = io.StringIO()
    Console(file=out, width=20, highlight=False, markup=False).print(table)
    told = ["no. 7", "  what  Suspended", "        Spam", "  by    @moderator", ""]
    assert out.getvalue().splitlines() == [*told, "no. 8", "  what  Lifted"]


@pytest.mark.parametrize("columns", [40, 60, 80, 240])
def test_a_list_on_a_narrow_terminal_loses_nothing(columns: int) -> None:
    """An id has to be copied from where it is listed, so it stands whole on its line."""
    id_, plan = "117655503896182784", "3e0417869b48ffab"
    table = Listing("run", "account", "state", "begun", "plan", "said")
    words = (id_, "@star", "rolled back", "2026-11-21T17:01:55Z", plan, "every probe passed")
    table.add_row(*words)
    out = io.StringIO()
    Console(file=out, width=columns, highlight=False, markup=False).print(table)
    shown = out.getvalue()
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    for word in " ".join(words).split():
        assert word in shown, word  # none is broken, and an id can be copied whole
    assert ("┃" in shown) is (columns >= 100)
