"""What the cast says in the demonstration, in order of time."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Line(Struct, frozen=True, kw_only=True):
    """One status of the play; ``answers`` is the key of the one it replies to."""

    key: str
    by: str
    minutes_ago: int
    text: str
    warning: str = ""
    answers: str | None = None
    options: tuple[str, ...] = ()
    visibility: str = "public"
    language: str = "en"
    liked_by: tuple[str, ...] = ()
    boosted_by: tuple[str, ...] = ()


PLAY: Final = (
    Line(
        key="welcome",
        by="ada",
        minutes_ago=2_800,
        text="Welcome to the demonstration. The numbered accounts come from a real log of July "
        "2012, when the Higgs boson was announced; the rest of us are invented. #introduction",
        liked_by=("mina", "otto", "ines", "pip"),
    ),
    Line(
        key="hours",
        by="clio",
        minutes_ago=1_500,
        text="The library is open from 9 to 18 today. New on the shelf: three books about "
        "uncertainty. #library",
        visibility="unlisted",
    ),
    Line(
        key="tomorrow",
        by="stella",
        minutes_ago=1_320,
        text="Tomorrow at nine two collaborations show what they have seen at 125 GeV. I will be "
        "on the air all morning, with far too much coffee. #higgs #physics",
        liked_by=("ines", "kofi", "yuki", "nadia", "ada"),
        boosted_by=("ines", "yuki"),
    ),
    Line(
        key="sigma",
        by="ines",
        minutes_ago=1_290,
        text="@stella My class wants to know: who decided on five sigma, and why not four? "
        "#physics",
        answers="tomorrow",
        liked_by=("stella", "kofi"),
    ),
    Line(
        key="sigma-answer",
        by="stella",
        minutes_ago=1_280,
        text="@ines Habit, mostly. And a century of bumps that went away when somebody looked "
        "again.",
        answers="sigma",
        liked_by=("ines", "yuki", "nadia"),
        boosted_by=("kofi",),
    ),
    Line(
        key="sigma-yuki",
        by="yuki",
        minutes_ago=1_270,
        text="@ines @stella One in three and a half million, if the noise is what you think it is. "
        "That \u201cif\u201d is my whole next essay.",
        answers="sigma-answer",
        liked_by=("ines",),
    ),
    Line(
        key="poll",
        by="ines",
        minutes_ago=720,
        text="Where will you watch the announcement? #higgs",
        options=("In the lecture hall", "On the radio, with Stella", "Asleep, tell me later"),
        boosted_by=("ada",),
    ),
    Line(
        key="drawing",
        by="nadia",
        minutes_ago=540,
        text="Finished the cutaway of the calorimeter. Eleven layers, and I can name every one of "
        "them now. Print will hang in the library from Monday.",
        warning="A detector with its insides open",
        liked_by=("ines", "stella", "kofi"),
        boosted_by=("stella",),
    ),
    Line(
        key="lisbon",
        by="ines",
        minutes_ago=410,
        text="O céu de Lisboa esta noite: nem uma nuvem. Telescópio na varanda às dez, há chá. "
        "#lisboa",
        language="pt",
        liked_by=("nadia",),
    ),
    Line(
        key="rules",
        by="mina",
        minutes_ago=300,
        text="A reminder, since it is getting busy: argue with the graph, not with the person who "
        "drew it. Reports are read by two of us, and every decision comes with its reasons.",
        liked_by=("otto", "ada", "ines", "yuki"),
        boosted_by=("ada",),
    ),
    Line(
        key="questions",
        by="rufus",
        minutes_ago=200,
        text="Funny how nobody ever shows us the raw data. Just asking questions.",
    ),
    Line(
        key="questions-answer",
        by="kofi",
        minutes_ago=190,
        text="@rufus Page 4 of the note has the link. It is 300 terabytes. Have fun!",
        answers="questions",
        liked_by=("yuki", "nadia", "ada"),
    ),
    Line(
        key="secret",
        by="luca",
        minutes_ago=120,
        text="Dinner at ours on Saturday. Bring chairs.",
        visibility="private",
        liked_by=("ines",),
    ),
    Line(
        key="seen",
        by="stella",
        minutes_ago=35,
        text="Five sigma. Both of them. I have been on the radio for twenty years and have just "
        "forgotten every word I know. #higgs",
        liked_by=("ines", "kofi", "yuki", "nadia", "ada", "mina"),
        boosted_by=("ines", "kofi", "nadia"),
    ),
    Line(
        key="class",
        by="ines",
        minutes_ago=20,
        text="The whole class stood up. Nobody told them to. #higgs #physics",
        liked_by=("stella", "kofi", "luca"),
        boosted_by=("yuki",),
    ),
    Line(
        key="thanks",
        by="ada",
        minutes_ago=6,
        text="Sign in as a moderator, open /admin, suspend @88 and look at its followers; then "
        "reinstate it and look again. That is what this server is for.",
        liked_by=("mina",),
    ),
)
