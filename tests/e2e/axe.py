"""axe-core, which finds what screen readers and keyboards stumble over on a page."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.visit import Visit

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(visit: Visit, path: str) -> list[str]:
    """Return what axe finds wrong with a page, each with the elements it is about."""
    visit.open(path)
    if path == "/home":
        visit.page.locator("details.warning > summary").first.click()
    visit.page.evaluate(AXE.read_text())  # evaluated from outside: the page's policy is not asked
    found = visit.page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"{path}: {one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
