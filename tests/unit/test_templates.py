"""The templates of the pages: each compiles, so that no visitor is the first to find out."""

from __future__ import annotations

from pathlib import Path

from rostra.web import render

FOLDER = Path(render.__file__).parent / "templates"


def test_every_template_is_compiled_before_visitors_ask_for_it() -> None:
    files = {
        str(file.relative_to(FOLDER))
        for file in FOLDER.rglob("*")
        if file.suffix in (".html", ".xml")
    }
    assert set(render.compile_templates()) == files
    assert files
