"""``rostra amnesty`` and ``rostra account label``, as a shell sees them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct
from tests.unit.world import World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Role
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.errors import Invalid
from rostra.ops.cli import run
from rostra.ports import Transaction
from rostra.services.amnesty import account_lists


class Told(Struct):
    """What a command said, and the code it ended with."""

    code: int
    out: str
    err: str


Run = Callable[..., Told]


@pytest.fixture
def rostra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run a command on a data folder with two moderators and three accounts under suspension."""
    world = World(tmp_path / "world")
    for name in ("ada", "grace"):
        world.account(name, role=Role.MODERATOR)
    fan = world.account("fan")

    def suspend(tx: Transaction) -> None:
        for account in accounts:
            tx.sets.add(SetKey(account, SetKind.FOLLOWERS), fan)
            tx.enforcement.take(
                Action(
                    id=tx.next_id(),
                    account=account,
                    kind=ActionKind.SUSPEND,
                    ground="Spam",
                    moderator=None,
                    taken_at=tx.now,
                    starts_at=tx.now,
                )
            )

    accounts = [world.account(name) for name in ("anna", "bert", "cara")]
    world.store.write_now(suspend)
    world.store.close_now()

    monkeypatch.setenv("ROSTRA_DOMAIN", "here.example")

    def told(*arguments: str) -> Told:
        code = run([*arguments, "--data", str(tmp_path / "world")])
        return Told(code, *capsys.readouterr())

    return told


def said(result: Told, code: int = 0) -> str:
    assert result.code == code, result
    return result.err if code else result.out


def test_an_amnesty_is_planned_looked_at_and_approved(rostra: Run) -> None:
    """A dry run with its figures, its manifest and its hash, and the approval by somebody else."""
    assert "legal_hold" in said(rostra("account", "label", "cara", "Legal_Hold", "--by", "ada"))
    assert "labels: legal_hold" in said(rostra("account", "show", "cara"))
    plan = ["amnesty", "plan", "--by", "ada", "--where", 'ground = "spam"', "--waves", "1,100%"]
    shown = said(rostra(*plan))
    for text in ("left out: labelled legal_hold", "to be lifted", "waves: 1, 100% (1 + 1)", "+2"):
        assert text in shown
    (listed,) = json.loads(said(rostra("amnesty", "list", "--state", "planned", "--json")))
    id_, hash_ = listed["id"], listed["hash"]
    assert hash_ in shown
    assert listed["figures"]["edges"] == 2
    manifest = said(rostra("amnesty", "export", id_))
    assert hashlib.sha256(manifest.encode()).hexdigest() == hash_
    assert len(manifest.splitlines()) == 3
    names = json.loads(said(rostra("amnesty", "accounts", id_, "--json")))
    assert [one["account"]["username"] for one in names] == ["anna", "bert"]
    approve = ["amnesty", "approve", id_, "--hash", hash_[:16], "--by"]
    assert "Another moderator" in said(rostra(*approve, "ada"), 1)
    assert "is approved: 2 accounts" in said(rostra(*approve, "grace"))
    assert "approved by @grace" in said(rostra("amnesty", "show", id_))
    assert "is rejected" in said(rostra("amnesty", "reject", id_, "--by", "ada", "--why", "Later"))
    assert "Later" in said(rostra("amnesty", "show", id_))


def test_what_is_wrong_is_told_where_it_is(rostra: Run, tmp_path: Path) -> None:
    """Selectors with a caret under the word, lists by the numbers of their lines."""
    wrong = said(rostra("amnesty", "plan", "--by", "ada", "--where", "state = suspendd"), 1)
    assert wrong.splitlines()[1:] == ["  state = suspendd", "          ^^^^^^^^"]
    assert 'did you mean "suspended"' in wrong
    listed = tmp_path / "list.csv"
    listed.write_text("handle,why\nanna,old\nnobody,x\n@bert@here.example,\n,empty\n")
    wrong = said(rostra("amnesty", "plan", "--by", "ada", "--accounts", str(listed)), 1)
    assert "2 of 4 lines name no account" in wrong
    assert "line 3: there is no account called nobody" in wrong
    assert "line 5: there is nothing in the column" in wrong
    listed.write_text("handle\nanna\n@bert@here.example\nfan\n")
    made = said(rostra("amnesty", "plan", "--by", "ada", "--accounts", str(listed), "--json"))
    assert (json.loads(made)["accounts"], json.loads(made)["listed"]) == (2, True)
    far = said(rostra("amnesty", "plan", "--by", "ada", "--where", "all", "--pause", "999999w"), 1)
    assert "numbers from 0 to 1,000,000,000" in far
    many = "followers >= 0 and " * 200 + "all"
    said(rostra("amnesty", "plan", "--by", "ada", "--where", many))
    table = said(rostra("amnesty", "list"))
    assert len(table.splitlines()) == 6
    assert "…" in table
    nobody = said(rostra("amnesty", "plan", "--by", "ada", "--where", "followers > 9"), 1)
    assert "Nobody with such an action in force is meant" in nobody
    assert "not allowed" in said(rostra("amnesty", "plan", "--by", "fan", "--where", "all"), 1)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", 'must name a column "handle" or "id"'),
        (b"handle\n", "has no accounts"),
        (b"who\nanna\n", 'must name a column "handle" or "id"'),
        (b"handle\n\xff\n", "not in UTF-8: look at line 2"),
        (b'handle\n"anna\n', "cannot be read"),
        (b"id\n12x\n", "line 2: there is no account with the id 12x"),
        (b"handle\nanna@elsewhere.example\n", "no account called anna@elsewhere.example"),
    ],
)
async def test_a_list_that_is_none(world: World, data: bytes, error: str) -> None:
    world.account("anna")
    with world.read() as snap, pytest.raises(Invalid, match=error):
        account_lists.read_list(snap, data, domain="here.example")


async def test_a_list_names_each_account_once(world: World) -> None:
    anna, bert = world.people("anna", "bert")
    with world.read() as snap:
        id_ = snap.accounts.many([bert])[bert].id
        by_name = "\ufeffdone,Account Address\n1,ANNA@HERE.example\n2,@bert\n\n3,anna\n"
        found = account_lists.read_list(snap, by_name.encode(), domain="here.example")
        assert found == [anna, bert]
        by_id = f"id\n{id_}\n".encode()
        assert account_lists.read_list(snap, by_id, domain="here.example") == [bert]


async def test_a_list_is_read_as_spreadsheets_and_the_servers_exports_write_it(
    world: World,
) -> None:
    anna, bert = world.people("anna", "bert")
    with world.read() as snap:
        id_ = snap.accounts.many([bert])[bert].id
        for data in (
            '\ufeffwhy;handle\r\n"one, two";anna\r\nthree;@bert\r\n',
            "handle\twhy\nanna\tone, two\nbert\t\n",
            f"id,why\n#{snap.accounts.many([anna])[anna].id},one\n{id_},two;three\n",
        ):
            found = account_lists.read_list(snap, data.encode(), domain="here.example")
            assert found == [anna, bert]
