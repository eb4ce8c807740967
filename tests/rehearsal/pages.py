"""What a report must be as a page: well-formed, complete in itself, and readable by everybody."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "use"}
LOADS = {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}


class Page(HTMLParser):
    """Reads a page and notes what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.pictures: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self._open]
        self.wrong += [
            f"the id {one} is there twice" for one in self.ids if self.ids.count(one) > 1
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["text"]):
            self.text += data

    def _note(self, tag: str, attrs: dict[str, str | None]) -> None:
        if "id" in attrs:
            self.ids.append(str(attrs["id"]))
        self.links += [str(value) for name, value in attrs.items() if name in LOADS]
        if tag == "svg":
            self.pictures.append(str(attrs.get("aria-label") or ""))
        if tag == "script":
            self.wrong.append("there is a script")
