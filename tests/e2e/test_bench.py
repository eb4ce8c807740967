"""The benchmarks run, at tiny sizes, and their results make the page."""

from pathlib import Path

import pytest

from bench import table
from bench.__main__ import main
from bench.results import read_all


@pytest.mark.parametrize("name", table.ORDER)
def test_a_benchmark_runs_and_cleans_up(name: str, tmp_path: Path) -> None:
    work, results = tmp_path / "work", tmp_path / "results"
    arguments = [name, "--small", "--work", str(work), "--results", str(results)]
    assert main(arguments) == 0
    (result,) = read_all(results)
    assert result.bench == name
    assert not result.full
    assert result.figures
    assert {"cores", "memory_gib", "python", "sqlite", "commit"} <= result.machine.keys()
    assert list(work.iterdir()) == []
    page = table.render([result])
    assert all(figure.name in page for figure in result.figures)
    if name in ("oracle", "kills", "amnesty"):
        faults = {f.id: f.value for f in result.figures if f.goal and f.goal.startswith("=")}
        assert faults
        assert not any(faults.values()), [f.note for f in result.figures if f.note]


def test_a_world_is_kept_and_used_again(tmp_path: Path) -> None:
    world = tmp_path / "world"
    arguments = [
        "amnesty",
        "--small",
        "--world",
        str(world),
        "--results",
        str(tmp_path / "results"),
    ]
    assert main(arguments) == 0
    made = (world / "world.json").stat().st_mtime_ns
    assert main(arguments) == 0
    assert (world / "world.json").stat().st_mtime_ns == made
    with pytest.raises(AssertionError, match="name another"):
        main([*arguments, "--accounts", "61"])
