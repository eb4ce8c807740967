"""What must come of amnesties: whom a plan is for, what it counts, what its waves do and undo.

Whatever is counted is counted edge by edge, and whatever is decided is looked up action by action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from rostra.domain.amnesty import Exclusion
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.testing.tool_oracle import ToolAct, ToolOracle


class Part(Struct):
    """One account of an amnesty: what is lifted for it, what is expected, what became of it."""

    account: int
    acts: list[ToolAct]
    wave: int = 0
    then: tuple[int, int] = (0, 0)
    finally_: tuple[int, int] = (0, 0)
    outcome: str = "pending"
    lifted_at: int = 0


class Chosen(Struct, kw_only=True):
    """What the plan of an amnesty must say."""

    found: int
    excluded: dict[str, int]
    parts: list[Part]
    edges: int = 0
    others: int = 0


Meant = Callable[[ToolAct], bool]
"""Whether a selector means an action (and its account)."""


class AmnestyOracle(ToolOracle):
    """A world in which the tool runs, with amnesties."""

    # -- what an amnesty must choose -----------------------------------------------------------

    def choose(
        self,
        kind: ActionKind,
        where: Meant,
        except_: Meant,
        include: Collection[str],
        taken: Collection[int],
        waves: Callable[[int], Iterable[int]],
    ) -> Chosen:
        """Return whom an amnesty is for and what it brings.

        Args:
            kind: what is lifted.
            where: whom it is for.
            except_: whom it is not for.
            include: the exclusions set aside.
            taken: accounts in the hands of another amnesty or of a run.
            waves: how many accounts → how many each wave has.
        """
        found, excluded, parts = 0, Counter[str](), []
        for account in sorted(self._acts):
            acts = [act for act in self.held(account) if act.kind == kind and where(act)]
            if not acts:
                continue
            found += 1
            reasons = self._reasons(account, acts, kind, except_, taken)
            why = next((one for one in reasons if one not in include), None)
            if why is None:
                parts.append(Part(account, acts))
            else:
                excluded[why] += 1
        parts.sort(key=lambda part: (len(self.follows.members(part.account)), part.account))
        sizes = list(waves(len(parts)))
        numbers = [number for number, size in enumerate(sizes, 1) for _ in range(size)]
        for part, number in zip(parts, numbers, strict=True):
            part.wave = number
        chosen = Chosen(found=found, excluded=dict(excluded), parts=parts)
        self._reckon(chosen)
        return chosen

    def _reasons(
        self,
        account: int,
        acts: list[ToolAct],
        kind: ActionKind,
        except_: Meant,
        taken: Collection[int],
    ) -> Iterator[str]:
        labels = self.labels.get(account, ())
        if any(except_(act) for act in self.held(account) if act.kind == kind):
            yield Exclusion.EXCEPT
        if "legal_hold" in labels:
            yield Exclusion.LEGAL_HOLD
        if self.deleted(account):
            yield Exclusion.DELETED
        if account in taken:
            yield Exclusion.HELD
        for label in (Exclusion.CHILD_SAFETY, Exclusion.SPAM):
            if label in labels:
                yield label
        if [act for act in self.suspensions(account) if act not in acts] or self.deleted(account):
            yield Exclusion.STILL_HIDDEN
        decisions = [act.decision for act in acts]
        if [act for act in self.strikes(account) if act not in decisions]:
            yield Exclusion.SECOND_STRIKE

    def _returns(self, part: Part) -> bool:
        left = [act for act in self.suspensions(part.account) if act not in part.acts]
        return not self.active(part.account) and not left and not self.deleted(part.account)

    def _reckon(self, chosen: Chosen) -> None:
        """Count each edge of those who return, one by one."""
        back = {part.account: part.wave for part in chosen.parts if self._returns(part)}
        asking = {(author, one) for one in back for author in self.dormant(one)}
        edges: set[tuple[int, int]] = set()
        others: set[int] = set()
        for part in chosen.parts:
            one = part.account
            for wave in (part.wave, len(chosen.parts)):
                followers = [
                    other
                    for other in self.follows.members(one)
                    if (one, other) not in asking and self._shown_in(other, wave, back)
                ]
                followed = [
                    other
                    for other in self.follows.owners(one)
                    if (other, one) not in asking and self._shown_in(other, wave, back)
                ]
                seen = self._shown_in(one, wave, back)
                part.finally_ = (len(followers), len(followed)) if seen else (0, 0)
                if wave == part.wave:
                    part.then = part.finally_
                if one in back:
                    edges |= {(one, other) for other in followers}
                    edges |= {(other, one) for other in followed}
                    others |= {other for other in (*followers, *followed) if other not in back}
        chosen.edges, chosen.others = len(edges), len(others)

    def _shown_in(self, account: int, wave: int, back: dict[int, int]) -> bool:
        return back[account] <= wave if account in back else self.active(account)

    # -- what an amnesty does ------------------------------------------------------------------

    def wave_comes(
        self, part: Part, planned: int, include: Collection[str], reason: LiftReason, in_run: bool
    ) -> str:
        """Lift what was frozen of an account, unless somebody decided since; return the outcome.

        Args:
            part: the account.
            planned: the order of the plan.
            include: the exclusions set aside.
            reason: why it is lifted.
            in_run: whether a reinstatement of it is under way.
        """
        known = {"legal_hold", "child_safety", "spam"} - set(include)
        acts = [act for act in self.held(part.account) if act in part.acts]
        touched = any(act.lifted for act in part.acts) or self._decided(part, planned)
        labelled = known & self.labels.get(part.account, set())
        if self.deleted(part.account) or labelled or touched or in_run or not acts:
            return "skipped"
        self.lift_these(acts, reason)
        part.lifted_at = self.now
        return "lifted"

    def rollback_comes(self, part: Part, planned: int, in_run: bool) -> str:
        """Take again what a wave lifted, unless somebody decided since; return the outcome.

        Args:
            part: the account.
            planned: the order of the plan.
            in_run: whether a reinstatement of it is under way.
        """
        lightened = any(
            (act.lifted_at or 0) >= part.lifted_at and act not in part.acts
            for act in self.acts_of(part.account)
        )
        if self.deleted(part.account) or self._decided(part, planned) or lightened or in_run:
            return "kept"
        return "rolled_back" if self.restore([one for one in part.acts if one.lifted]) else "kept"

    def _decided(self, part: Part, planned: int) -> bool:
        return any(
            act.order > planned and act not in part.acts for act in self.acts_of(part.account)
        )
