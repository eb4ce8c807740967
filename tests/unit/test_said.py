"""What the server says of its own work, known again and told in the reader's language."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from gettext import NullTranslations
from pathlib import Path
from typing import ClassVar

import pytest
from babel import Locale

from rostra.domain import probes, reinstatement, selectors
from rostra.domain.amnesty import Exclusion, Outcome
from rostra.domain.capacity import Verdict
from rostra.domain.decision_polls import Void
from rostra.language import formats, i18n, names, said, sentences
from rostra.services.server import stuck

SOURCE = Path(i18n.__file__).parents[1]
SPEAKERS = ("probing/", "reinstatement/", "amnesty/", "moderation/decision_polls.py")
"""How the paths in ``services`` begin of modules whose texts are shown on pages."""

SAID = {"right": 0, "wrong": 0, "Verdict": 1, "Probe": 3, "end": 3, "ended": 3}
SAID |= {"_staged": 3, "_done": 2, "_undo": 3, "_roll_back": 2}
"""Functions, and which of their arguments is said."""

NAMED = {"said", "warned", "why", "text", "problems", "parts", "assumed"}
"""Variables, arguments and lists that hold what is said."""

TELLING = {"why", "first_failed", "_may_not", "_stands", "_taken", "_ended", "_refused", "_names"}
TELLING |= {"decided_since", "hidden_after", "_share", "_flawed", "_so_far", "_nobody", "_ask_all"}
TELLING |= {"_cpu", "_part", "_waits", "_cores", "_ms", "shown_bytes", "_span", "_told_hidden"}
TELLING |= {"waits_for", "_in_run", "refusal", "outcome", "not_able"}
"""Functions that return what is said."""

VALUES = {
    ("_part", "name"): ("memory", "CPU"),
    ("_profile", "one"): ("follower",),
    ("_profile", "name"): ("followers",),
    ("_profile", "called"): ("follower", "followers", "following"),
    ("_compared", "one"): ("follower",),
    ("_compared", "name"): ("followers",),
    ("_compared", "called"): ("follower", "followers", "following"),
    ("_done", "act"): ("follow", "unfollow"),
    ("judge", "act"): ("follow", "unfollow"),
    ("_names", "what"): ("joined", "left"),
    ("_taken", "who"): ("@mod", "the server"),
    ("_ended", "who"): ("@mod", "the server"),
    ("_may_not", "who"): ("@mod",),
    ("not_led", "leader"): ("mod",),
    ("change", "handle_of(tx, moderator)"): ("@mod", "the server"),
    ("shown_bytes", "unit"): ("bytes", "KiB", "MiB"),
}
"""What stands in a sentence of a function where a value does that is a word; elsewhere a number."""


ELSEWHERE = {
    *reinstatement.MEANING.values(),
    *(one.says for one in (*Exclusion, *Void)),
    *(f"%(num)s {one.replace('_', ' ')}" for one in Outcome),
    *(part for one in Verdict for part in (str(one), f"{one}: %(why)s")),
    *(f"{limit}: %(what)s" for limit in ("failures", "reports", "lag", "moderator", "probes")),
    *("manifest: %(what)s", "drift: %(what)s"),  # the limits by which an amnesty halts
    *(stuck.NO_ROOM, stuck.MAKE_ROOM, stuck.LOOK),
    "@%(by)s rolled it back: %(words)s",
    "%(set)s: its chunks have not as many members as it says",  # a flaw, among others
    "Worker %(worker)s gave no answer in %(num)s s",  # errors of visitors
    "Worker %(worker)s went away and did not come back",
    *("True", "False"),
    "%(num)s of %(all)s accounts counted anew are WRONG: run rostra doctor",  # older versions
    "%(num)s of %(all)s files are answered with %(status)s",
}
"""What is put together of parts, or said in other modules."""


class Marking(NullTranslations):
    """Puts signs around all that it knows."""

    asked: ClassVar[set[str]] = set()

    def gettext(self, message: str) -> str:
        if message not in sentences.SENTENCES:
            return message
        self.asked.add(message)
        return f"⟦{message}⟧"


MARKED = i18n.Language("xx", "ltr", Locale("en"), Marking())


def unknown(text: str) -> str:
    """Return what of a text no sentence is for."""
    with i18n.speaking(MARKED):
        left = said.said(text)
    while (less := re.sub("⟦[^⟦⟧]*⟧", "", left)) != left:
        left = less
    return left if re.search("[A-Za-z]", left) else ""


# -- what stands in the code -----------------------------------------------------------------------


def speaking_modules() -> list[Path]:
    found = [
        path
        for path in (SOURCE / "services").rglob("*.py")
        if path.relative_to(SOURCE / "services").as_posix().startswith(SPEAKERS)
        and "telling" not in path.stem  # alerts, which are for operators everywhere alike
    ]
    assert len(found) > 20
    return [*found, *(SOURCE / f"domain/{name}.py" for name in ("capacity", "amnesty_waves"))]


Function = ast.FunctionDef | ast.AsyncFunctionDef


class Texts:
    """Finds the texts in a module that are said, with values put in."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text())
        self.constants = dict(_assigned(self.tree.body))

    def all(self) -> Iterator[str]:
        for function in ast.walk(self.tree):
            if isinstance(function, Function):
                nodes = list(_own(function))
                told = In(function.name, self.constants | dict(_assigned(nodes)))
                for node in nodes:
                    for said_ in _said_by(node, function.name):
                        yield from told.examples(said_)


def _own(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, those of functions in it left out."""
    rest: list[ast.AST] = [function]
    while rest:
        for node in ast.iter_child_nodes(rest.pop()):
            if not isinstance(node, Function):
                yield node
                rest.append(node)


def _assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _said_by(node: ast.AST, function: str) -> Iterator[ast.expr]:
    """Yield what a node says."""
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            called = ast.unparse(func).split(".")
            if called[-1] in SAID and len(args) > SAID[called[-1]]:
                yield args[SAID[called[-1]]]
            if called[-1] == "Halt":
                yield from args[1:]
            if called[-1] == "append" and called[0] in NAMED:
                yield args[0]
            if called[-1] != "tell":  # an alert, which is for operators everywhere alike
                yield from (one.value for one in keywords if one.arg in NAMED)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in NAMED:
            yield value
        case ast.AugAssign(target=ast.Name(id=name), value=value) if name in NAMED:
            yield value
        case ast.Return(value=ast.expr() as value) if function in TELLING:
            yield from value.elts if isinstance(value, ast.Tuple) else [value]


class In:
    """Makes examples of texts in a function, whose variables are ``assigned``."""

    def __init__(self, function: str, assigned: Mapping[str, ast.expr]) -> None:
        self.function, self.assigned = function, assigned

    def examples(self, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Name(id=name) if name in self.assigned and name not in NAMED:
                others = {one: value for one, value in self.assigned.items() if one != name}
                yield from In(self.function, others).examples(self.assigned[name])
            case ast.IfExp(body=body, orelse=orelse):
                yield from self.examples(body)
                yield from self.examples(orelse)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self.examples(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self.examples(left)
                yield from self.examples(right)
            case ast.Call(func=ast.Name(id="how_many"), args=[_, *nouns]):
                one, several = self._nouns(nouns)
                yield from (f"1 {one}", f"7 {several}")
            case ast.Call(func=ast.Name(id="noun"), args=[_, *nouns]):
                yield from self._nouns(nouns)
            case ast.JoinedStr(values=values):
                yield from map("".join, itertools.product(*map(self._part, values)))

    def _nouns(self, nouns: Sequence[ast.expr]) -> tuple[str, str]:
        """Return what one and several are called, of the names that ``domain.words`` is given."""
        names = [
            ast.literal_eval(each)
            if isinstance(each, ast.Constant)
            else VALUES[self.function, ast.unparse(each)][0]
            for each in nouns
        ]
        return names[0], names[1] if len(names) > 1 else f"{names[0]}s"

    def _part(self, node: ast.expr) -> Sequence[str]:
        if not isinstance(node, ast.FormattedValue):
            return list(self.examples(node))
        words = VALUES.get((self.function, ast.unparse(node.value)))
        return words or list(self.examples(node.value)) or ["7"]


def every_text() -> set[str]:
    return {text for path in speaking_modules() for text in Texts(path).all()}


def test_every_sentence_in_the_code_is_known_on_pages() -> None:
    found = every_text()
    assert len(found) > 120
    lost = [text for text in sorted(found) if unknown(text) and unknown(text.strip(" ;"))]
    assert lost == []  # add what it is to language/sentences.py


def test_whatever_has_a_name_has_a_title() -> None:
    assert names.PROBES.keys() == {*probes.PROBES, "hidden again"}
    fields = set(reinstatement.Figures.__struct_fields__)
    assert names.FIGURES.keys() == fields | {"lifts", "stays", "hidden_after"}
    assert {one.says for one in Exclusion} == set(sentences.EXCLUSIONS)
    assert {one.says for one in selectors.FIELDS.values()} == set(sentences.FIELDS)
    assert set(reinstatement.MEANING.values()) <= set(sentences.RUNS)
    assert {one.says for one in Void} <= set(sentences.AMNESTIES)


def test_every_sentence_is_said_somewhere() -> None:
    for text in every_text():
        unknown(text), unknown(text.strip(" ;"))
    assert set(sentences.SENTENCES) - Marking.asked == ELSEWHERE - Marking.asked


# -- in German -------------------------------------------------------------------------------------


@pytest.fixture
def german() -> Iterator[None]:
    with i18n.speaking(i18n.language("de")):
        yield


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("every probe passed in every worker", "jede Probe ist in jedem Prozess bestanden"),
        (
            "Validation failed: File cannot be used: it is too large: at most 50000000 pixels. "
            "Choose another",
            "Die Datei lässt sich nicht benutzen: sie ist zu groß: höchstens 50000000 Pixel. "
            "Wähle eine andere",
        ),
        ("it has no pixels", "sie hat keine Pixel"),
        (
            'The last wave is "10%": end with 100%, or accounts are left out',
            "Die letzte Welle ist „10%“: Ende mit 100%, sonst bleiben Konten außen vor",
        ),
        (
            "it has too many frames: at most 1000, and fewer of large ones",
            "sie hat zu viele Einzelbilder: höchstens 1000, große weniger",
        ),
        ("it takes too much memory to read", "sie zu lesen braucht zu viel Speicher"),
        ("88,000,000 followers will be seen", "88.000.000 Follower werden zu sehen sein"),
        ("1 follower will be seen", "1 Follower wird zu sehen sein"),
        ("1 account in 1 wave", "1 Konto in 1 Welle"),
        ("1 file is handed out", "1 Datei wird herausgegeben"),
        ("1 lifted of 1 account.", "1 zurück von 1 Konto."),
        (
            "the probe lookup in worker 1 failed: says 5 followers, recounted from the disk are "
            "6 to 8; says 3 statuses, stored 4",
            "die Probe lookup ist in Prozess 1 gescheitert: nennt 5 Follower, auf der Platte "
            "nachgezählt sind es 6 bis 8; nennt 3 Beiträge, gespeichert sind 4",
        ),
        (
            "WARNING. Headroom: short: CPU: 12.5 cores wanted, none left; memory: 3.2 GiB wanted, "
            "18.0 GiB left; p99: 3.1 ms now, about 1,200 ms then",
            "ACHTUNG. Spielraum: zu wenig: CPU: 12,5 Kerne gebraucht, keine frei; Arbeitsspeicher: "
            "3,2 GiB gebraucht, 18,0 GiB frei; p99: jetzt 3,1 ms, dann etwa 1.200 ms",
        ),
        (
            "tight: CPU: less than 0.01 cores wanted, which no server is too busy for; none left; "
            "p99: 3 ms now; more is wanted of the CPUs than they have, so requests would queue up "
            "then",
            "knapp: CPU: weniger als 0,01 Kerne gebraucht, dafür ist kein Server zu beschäftigt; "
            "keine frei; p99: jetzt 3 ms; von den CPUs wird mehr verlangt, als sie haben, dann "
            "stauen sich die Anfragen",
        ),
        (
            "failures: 3 of its accounts could not be reinstated, 0 may fail. Look at why in the "
            "report, mend it or leave them out, then resume, stop or roll back",
            "Fehlschläge: nicht wiederhergestellt werden konnten 3 der Konten; zugelassen: 0. "
            "Sieh im Bericht nach, warum, behebe es oder lass sie aus; dann mach "
            "weiter, beende es oder nimm alles zurück",
        ),
        (
            "Wave 2 of 4 is over: 60 lifted, 2 skipped, all probes passed.",
            "Welle 2 von 4 ist vorbei: 60 zurück, 2 in Ruhe gelassen, alle Proben bestanden.",
        ),
        (
            "All 5 accounts found are left out: 3 labelled spam, 2 deleted",
            "Alle 5 gefundenen Konten bleiben außen vor: 3 mit dem Etikett spam, 2 gelöscht",
        ),
        (
            "all 12,345 edges are stored on both sides, and 12.5% of all accounts have no other "
            "edge to it",
            "alle 12.345 Kanten sind auf beiden Seiten gespeichert, und 12,5\N{NO-BREAK SPACE}% "
            "aller Konten haben keine weitere Kante zu ihm",
        ),
        (
            "101 followers, 100 planned: since then 2 joined (@a, @b); 1 left (@c and 3 more)",
            "101 Follower, geplant 100: seither 2 dazugekommen (@a, @b); 1 gegangen (@c "
            "und noch 3)",
        ),
        (
            "@mod took action suspend on @anna at 2026-11-21 18:44 UTC while this run went on: "
            "that stands, and the run changes nothing more. Before: a probe failed",
            "@mod hat gegen @anna eine Maßnahme (Sperre) getroffen, am 21.11.2026, 18:44:00 UTC, "
            "während dieser Lauf ging: Das gilt, und der Lauf ändert nichts mehr. Zuvor: eine "
            "Probe ist gescheitert",
        ),
        (
            "Its action was lifted since (served)",
            "Die Maßnahme wurde seither aufgehoben (verbüßt)",
        ),
        (
            "chunk 3 of followers of 7 is damaged. To mend it: stop the server, run rostra doctor "
            "--repair, and begin again",
            "chunk 3 of followers of 7 is damaged. So wird es behoben: den Server anhalten, rostra "
            "doctor --repair ausführen und von vorn beginnen",
        ),
    ],
)
def test_what_is_said_is_told_in_german(german: None, written: str, told: str) -> None:
    assert said.said(written) == told


@pytest.mark.parametrize(
    "text", ["", "follow @suspended, nothing", "@suspended", "Er war's, und nichts weiter."]
)
def test_what_no_sentence_is_for_stays_as_it_was_written(german: None, text: str) -> None:
    assert said.said(text) == text


def test_the_words_of_a_person_and_handles_stay_as_they_were_written(german: None) -> None:
    assert said.said("@suspended rolled it back: nothing") == (
        "@suspended hat es zurückgenommen: nothing"
    )


def test_english_is_shown_as_it_was_written() -> None:
    text = "88,000,000 followers will be seen"
    assert said.said(text) is text


def test_names_have_titles_and_unknown_ones_stay(german: None) -> None:
    assert names.FILTERS["probe"]("mirrors") == "Beide Seiten jeder Kante"
    assert names.FILTERS["probe"]("of_another_version") == "of_another_version"
    assert names.FILTERS["plan_figure"]("requests_in") == "Anfragen, die auf das Konto warten"
    assert names.FILTERS["plan_figure"]("of_another_version") == "of another version"


def test_figures_are_written_as_the_language_has_them(german: None) -> None:
    assert formats.figure("1,234.50") == "1.234,50"
    assert formats.figure("+1,234") == "+1.234"
    assert formats.figure("0.01") == "0,01"
    assert formats.figure("112233445566") == "112233445566"
    assert formats.figure("99.9%") == "99,9\N{NO-BREAK SPACE}%"
