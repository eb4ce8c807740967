"""Templates to responses: the layout, the headers every page has, and the pages for errors."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import jinja2
import structlog
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rostra.domain.accounts import Account
from rostra.domain.emojis import Emoji
from rostra.domain.errors import NotFound, NotOffered, RostraError, TooMany
from rostra.domain.media import Media, MediaKind
from rostra.language import formats, i18n, said, templates
from rostra.language.i18n import mark
from rostra.language.languages import language_options
from rostra.ports import Context
from rostra.web.assets import asset_url
from rostra.web.unread import unread_of
from rostra.web.views import Card, percent
from rostra.web.visits import ANYBODY, Visitor, came_from, identify, wants_fragment

_log = structlog.get_logger()

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, HX-Request, Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-get=(self), publickey-credentials-create=(self)"
    ),
}
HSTS: Final = "max-age=63072000"
"""For two years browsers ask this host over HTTPS alone."""

_SCRIPT_WORDS: Final = {
    "offline": mark("The server cannot be reached. Check the connection and try again."),
    "broken": mark("Something broke. Nothing you wrote is lost: try again."),
    "too_long": mark("Shorten this by {number} characters."),
    "copied": mark("The link is copied."),
    "close": mark("Close"),
    "next": mark("Next picture"),
    "previous": mark("Previous picture"),
    "picture": mark("Picture"),
    "uploading": mark("Uploading {name}"),
    "upload_failed": mark("{name} could not be uploaded. Try again, or choose another file."),
    "now": mark("now"),
    "minutes": mark("%(minutes)sm"),
    "hours": mark("%(hours)sh"),
    "passkey": mark("The passkey was not used. Try again, or go on in another way."),
    "draft": mark("What you had begun to write is back."),
}

_SETTINGS: Final = (
    ("profile", "/preferences/profile", mark("Profile")),
    ("reading", "/preferences", mark("Reading and posting")),
    ("filters", "/filters", mark("Filters")),
    ("followed_tags", "/followed_tags", mark("Followed hashtags")),
    ("mutes", "/mutes", mark("Muted")),
    ("blocks", "/blocks", mark("Blocked")),
    ("account", "/settings/account", mark("Account")),
    ("security", "/settings/security", mark("Security")),
    ("sessions", "/settings/sessions", mark("Sessions")),
    ("apps", "/settings/apps", mark("Apps")),
    ("transfer", "/settings/transfer", mark("Import and export")),
)

_SHORTCODE: Final = re.compile(r"<[^>]*>|:(?P<code>\w+):")
_EMOJI: Final = Markup('<img class="emoji" src="/{0}" alt="{1}" title="{1}" loading="lazy">')

THEME_COOKIE: Final = "rostra_theme"
THEMES: Final = ("auto", "light", "dark")

TITLES: Final = {
    400: mark("That request cannot be read"),
    403: mark("That is not allowed"),
    404: mark("There is no such page"),
    405: mark("That does not work here"),
    410: mark("This is not shown any more"),
    413: mark("That is too large"),
    422: mark("That did not work"),
    429: mark("Too many requests"),
    500: mark("Something broke"),
    503: mark("The server cannot do this now"),
}


def avatar_url(account: Account) -> str:
    """Return the path of an account's picture: its own, or the one made from its id."""
    return f"/{account.avatar.lstrip('/')}" if account.avatar else f"/avatars/{account.id}.svg"


def header_url(account: Account) -> str:
    """Return the path of an account's header picture."""
    return f"/{account.header.lstrip('/')}" if account.header else "/headers/default.svg"


def display_name(account: Account) -> str:
    """Return the name an account shows, its username when it has none."""
    return account.display_name.strip() or account.username


def media_url(media: Media) -> str:
    """Return the path of a file."""
    return f"/media/{media.key}/{media.file}"


def preview_url(media: Media) -> str:
    """Return the path of a smaller picture of a file, empty where there is none."""
    return f"/media/{media.key}/{media.preview}" if media.preview else ""


def media_size(media: Media) -> tuple[int, int] | None:
    """Return how wide and high a picture or film is, where that is known."""
    known = media.meta.get("small") or media.meta.get("original") or {}
    width, height = known.get("width"), known.get("height")
    return (width, height) if width and height else None


def emojify(words: str, emojis: Sequence[Emoji]) -> str | Markup:
    """Return a text, or HTML, with its custom emojis as the pictures they stand for."""
    if not emojis:
        return words
    known = {emoji.shortcode: emoji for emoji in emojis}

    def picture(match: re.Match[str]) -> str:
        emoji = known.get(match["code"] or "")
        if emoji is None:
            return match[0]
        return str(_EMOJI.format(emoji.file, f":{emoji.shortcode}:"))

    return Markup(_SHORTCODE.sub(picture, str(escape(words))))


def first_picture(media: Sequence[Media]) -> str:
    """Return the path of the first picture among files, empty where there is none."""
    return next((media_url(one) for one in media if one.kind == MediaKind.IMAGE), "")


def host(url: str) -> str:
    """Return the name of the server that an address leads to."""
    return urlsplit(url).hostname or url


def settings_tabs() -> list[tuple[str, str, str]]:
    """Return the pages of settings as (name, path, label)."""
    return [(name, path, i18n.gettext(label)) for name, path, label in _SETTINGS]


def script_words() -> dict[str, str]:
    """Return the texts that scripts show."""
    return {name: i18n.gettext(text) for name, text in _SCRIPT_WORDS.items()}


@cache
def icon(name: str) -> Markup:
    """Return an icon from the sheet of icons, for the eye only."""
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
    ).format(asset_url("icons.svg"), name)


def count(number: int) -> str | Markup:
    """Return a count as it is shown; an abbreviated one tells the exact figure as its title."""
    text, exact = formats.short(number), formats.exact(number)
    if text == exact:
        return text
    return Markup('<abbr title="{}">{}</abbr>').format(exact, text)


class KeptCards:
    """Statuses as they were rendered last, each good as long as what is shown of it is the same.

    What a status is shown with is compared as a whole, so a card that is kept is never another than
    one that is made now; ages alone may be a minute old. The forms of a card carry the token of who
    reads: it is put in when the card is handed out.
    """

    TOKEN: Final = "\N{SYMBOL FOR START OF HEADING}csrf\N{SYMBOL FOR END OF TEXT}"
    MOST: Final = 4096
    MINUTE: Final = 60_000

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[Card, int, str]] = OrderedDict()

    @jinja2.pass_context
    def __call__(self, context: jinja2.runtime.Context, card: Card) -> Markup:
        """Return the HTML of a card for the visitor of the page that is being made."""
        visitor: Visitor = context["visitor"]
        now: int = context["now"]
        key = (card.id, card.on_top, i18n.current().tag, bool(visitor.account), visitor.reading)
        minute = now // self.MINUTE
        kept = self._kept.get(key)
        if kept is None or kept[1] != minute or kept[0] != card:
            template = context.environment.get_template("_status.html")
            made = template.render(
                card=card, visitor=visitor, now=now, site=context["site"], csrf=self.TOKEN
            )
            kept = self._kept[key] = (card, minute, made)
            if len(self._kept) > self.MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return Markup(kept[2].replace(self.TOKEN, str(escape(context["csrf"]))))


def plain_words(error: RostraError) -> str:
    """Return what an error says to the person, without what is there for programs only."""
    return said.told(error.told)


def _environment() -> jinja2.Environment:
    environment = templates.environment(Path(__file__).parent / "templates", auto_reload=False)
    environment.filters |= {
        "plain_words": plain_words,
        "name": display_name,
        "avatar": avatar_url,
        "header": header_url,
        "percent": percent,
        "media_url": media_url,
        "preview_url": preview_url,
        "media_size": media_size,
        "first_picture": first_picture,
        "host": host,
        "emojify": emojify,
        "rfc822": formats.rfc822,
    }
    environment.globals |= {
        "asset": asset_url,
        "card_html": KeptCards(),
        "count": count,
        "icon": icon,
        "language_options": language_options,
        "languages": i18n.languages,
        "plural": formats.plural,
        "script_words": script_words,
        "settings_tabs": settings_tabs,
    }
    environment.globals["m"] = environment.get_template("macros.html").module
    return environment


_templates: Final = _environment()


def compile_templates() -> Iterator[str]:
    """Compile the templates one by one, yielding the name of each.

    One takes some ten milliseconds the first time, so a worker does it in pauses before a visitor
    has to wait for it.
    """
    for name in _templates.list_templates(extensions=("html", "xml")):
        _templates.get_template(name)
        yield name


def render(
    ctx: Context,
    request: Request,
    template: str,
    visitor: Visitor,
    *,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Return a page or a part of one.

    Args:
        ctx: the context.
        request: what is answered.
        template: a file in ``templates``.
        visitor: who asks; decides what the layout offers.
        status: the HTTP status.
        values: what the template needs besides.
    """
    language = i18n.current()
    if not template.startswith("_"):
        values["unread"] = unread_of(ctx, visitor)
    html = _templates.get_template(template).render(
        site=ctx.settings,
        visitor=visitor,
        csrf=values.pop("csrf", visitor.csrf),
        path=request.url.path,
        now=ctx.clock.now(),
        page_language=language,
        theme=theme_of(request),
        **values,
    )
    response = HTMLResponse(html, status_code=status)
    response.headers["Content-Language"] = language.tag
    return response


def part(template: str, **values: Any) -> Markup:
    """Return a part of a page that is the same for everybody who reads a language."""
    return Markup(_templates.get_template(template).render(**values))


def theme_of(request: Request) -> str:
    """Return the colours chosen in this browser: ``light``, ``dark``, or as the system has it."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def visitor_of(ctx: Context, request: Request) -> Visitor:
    """Return who a page is for that must be shown even where the store cannot be read."""
    try:
        with ctx.store.read() as snap:
            return identify(snap, request)
    except RostraError:
        return ANYBODY


def error_page(ctx: Context, request: Request, error: RostraError) -> Response:
    """Return the page for an error, or the notice of it when htmx asked."""
    status = error.status
    if status >= 500 and not isinstance(error, NotOffered):
        _log.error("refused", status=status, reason=str(error))
    # A title says enough of what is not there; of a fault the text is for the log.
    bare = status == 500 or error.message == NotFound().message
    message = "" if bare else plain_words(error)
    title = i18n.gettext(TITLES.get(status, TITLES[500]))
    values = {"title": title, "message": message, "code": status}
    response = _shown(ctx, request, status, values)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _shown(ctx: Context, request: Request, status: int, values: dict[str, Any]) -> Response:
    if wants_fragment(request):
        response = render(ctx, request, "_notice.html", ANYBODY, status=status, **values)
        response.headers["HX-Retarget"] = "#notice"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    return render(ctx, request, "error.html", visitor_of(ctx, request), status=status, **values)


def to_sign_in(request: Request) -> Response:
    """Return the way to the form to sign in, and back here from there."""
    here = came_from(request, "/")
    if request.method in ("GET", "HEAD"):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return redirect(request, f"/auth/sign_in?return_to={quote(here, safe='/@')}")


def redirect(request: Request, path: str) -> Response:
    """Send the visitor to another page of this server, after a form or instead of a page."""
    if wants_fragment(request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, status_code=303)
