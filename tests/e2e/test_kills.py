"""The server is killed with SIGKILL at random instants while people act."""

from pathlib import Path

from rostra.testing.kills import Kills

KILLS = 51


def test_nothing_answered_is_lost_over_many_kills(tmp_path: Path) -> None:
    kills = Kills(tmp_path, seed=20_260_101)
    while kills.report.kills < KILLS:
        kills.round()
        assert kills.report.faults == []
    assert kills.report.acknowledged > KILLS
    assert kills.report.checked > KILLS
