"""Selectors made of chance, each as text and as a plain function of the oracle."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from rostra.domain.enforcement import ActionKind
from rostra.testing.amnesty_oracle import AmnestyOracle, Meant
from rostra.testing.tool_oracle import ToolAct

GROUNDS: Final = ("chance", "Spam and lies", "an old rule")
DAY_MS: Final = 86_400_000

Selector = tuple[str, Meant]


def nobody(_: ToolAct) -> bool:
    """Mean no account."""
    return False


def condition(random: Random, oracle: AmnestyOracle) -> Selector:
    """Return a condition on one field."""
    number = random.choice((0, 1, 2, 3, 10, 100))
    ground = random.choice(GROUNDS)
    days = random.randint(1, 20)
    made: tuple[Callable[[], Selector], ...] = (
        lambda: (f'ground = "{ground}"', lambda act: act.ground == ground),
        lambda: ('ground ~ "SPAM"', lambda act: "spam" in act.ground.lower()),
        lambda: (f"taken >= {days}d ago", lambda act: act.began >= oracle.now - days * DAY_MS),
        lambda: ("until = none", lambda act: act.until is None),
        lambda: ("until != none", lambda act: act.until is not None),
        lambda: (f"strikes <= {number}", lambda act: len(oracle.strikes(act.account)) <= number),
        lambda: (f"actions > {number}", lambda act: len(oracle.held(act.account)) > number),
        lambda: (
            f"followers >= {number}",
            lambda act: len(oracle.follows.members(act.account)) >= number,
        ),
        lambda: (
            f"following < {number}",
            lambda act: len(oracle.follows.owners(act.account)) < number,
        ),
        lambda: (
            "state = limited",
            lambda act: oracle.is_under(act.account, ActionKind.LIMIT),
        ),
        lambda: ("label = spam", lambda act: "spam" in oracle.labels.get(act.account, ())),
    )
    return random.choice(made)()


def selector(random: Random, oracle: AmnestyOracle) -> Selector:
    """Return a selector of up to three conditions, or everybody."""
    if random.random() < 0.3:
        return "all", lambda act: True
    text, meant = condition(random, oracle)
    for _ in range(random.randrange(3)):
        other, means = condition(random, oracle)
        text, meant = _joined(random.choice(("and", "or", "and not")), text, meant, other, means)
    return text, meant


def _joined(word: str, text: str, meant: Meant, other: str, means: Meant) -> Selector:
    joined = f"({text}) {word} ({other})"
    if word == "or":
        return joined, lambda act: meant(act) or means(act)
    if word == "and":
        return joined, lambda act: meant(act) and means(act)
    return joined, lambda act: meant(act) and not means(act)
