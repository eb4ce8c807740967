"""How numbers and times are written for people, in the language they read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_compact_decimal, format_decimal

from rostra.language import i18n
from rostra.language.i18n import Language

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_ABBREVIATED_FROM: Final = 1_000_000
_KEPT: Final = 4096
_STEP: Final = 1024


def exact(count: int) -> str:
    """Return a count in full: ``23,143``."""
    return _exact(count, i18n.current())


@lru_cache(_KEPT)
def _exact(count: int, language: Language) -> str:
    return format_decimal(count, locale=language.locale)


def short(count: int) -> str:
    """Return a count as it is shown: in full below a million, then ``1.2M``, ``88M``, ``1.1B``.

    Abbreviated counts are cut, not rounded, so that none is shown before it is reached.
    """
    if count < _ABBREVIATED_FROM:
        return exact(count)
    return _short(count, i18n.current())


@lru_cache(_KEPT)
def _short(count: int, language: Language) -> str:
    unit = 1_000_000 if count < 1_000_000_000 else 1_000_000_000
    step = unit if count >= 100 * unit else unit // 10
    return format_compact_decimal(count // step * step, locale=language.locale, fraction_digits=1)


def share(percent: int) -> str:
    """Return a share in percent, as an English or another text has it: ``61%``."""
    return _share(percent, i18n.current())


@lru_cache(_KEPT)
def _share(percent: int, language: Language) -> str:
    pattern = language.locale.percent_formats[None]
    return str(pattern.apply(percent / 100, language.locale))


def exact_share(hundredths: int) -> str:
    """Return a share in hundredths of a percent, as exact as it is: ``66.67%``."""
    language = i18n.current()
    pattern = language.locale.percent_formats[None]
    share = Decimal(hundredths) / 10_000
    return str(pattern.apply(share, language.locale, decimal_quantization=False))


def figure(text: str) -> str:
    """Return a figure that stands in an English text as another language has it: ``1,234.5``,
    ``+3`` or ``12.5%``.
    """
    return _figure(text, i18n.current())


@lru_cache(_KEPT)
def _figure(text: str, language: Language) -> str:
    sign, number = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    bare = Decimal(number.rstrip("%").replace(",", ""))
    if number.endswith("%"):
        pattern = language.locale.percent_formats[None]
        share = bare.scaleb(-2)
        return sign + str(pattern.apply(share, language.locale, decimal_quantization=False))
    if "," not in number and "." not in number:
        return text  # one that was not to be divided: an id, a count of few
    places = len(number.partition(".")[2])
    return sign + format_decimal(bare, _form(places), locale=language.locale)


def decimal(number: float, places: int = 1) -> str:
    """Return a number with as many places after its point: ``1,234.5``."""
    return format_decimal(number, _form(places), locale=i18n.current().locale)


def _form(places: int) -> str:
    return f"#,##0.{'0' * places}" if places else "#,##0"


def size(bytes_: int) -> str:
    """Return a number of bytes as people read it: ``1.2 MiB``."""
    number, unit = float(bytes_), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < _STEP:
            break
        number, unit = number / _STEP, larger
    if unit == "bytes":
        return i18n.ngettext("%(num)s byte", "%(num)s bytes", bytes_) % {"num": exact(bytes_)}
    return f"{decimal(number)} {unit}"


def plural(count: int, one: str, many: str) -> str:
    """Return the noun that fits a count."""
    return i18n.ngettext(one, many, count)


def moment(ms: int) -> datetime:
    """Return a time in ms since 1970 as a UTC datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(ms: int) -> str:
    """Return a time in ms since 1970 for the ``datetime`` attribute: ``2012-07-04T12:00:00Z``."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc822(ms: int) -> str:
    """Return a time in ms since 1970 as feeds have it: ``Wed, 04 Jul 2012 12:00:00 +0000``."""
    return moment(ms).strftime("%a, %d %b %Y %H:%M:%S +0000")


def full_time(ms: int) -> str:
    """Return a time in ms since 1970 in words: ``Jul 4, 2012, 12:00 PM UTC``."""
    return _full_time(ms // _MINUTE * _MINUTE, i18n.current())


@lru_cache(_KEPT)
def _full_time(ms: int, language: Language) -> str:
    date = format_date(moment(ms), format="medium", locale=language.locale)
    time = format_time(moment(ms), "short", locale=language.locale)
    return i18n.gettext("%(date)s, %(time)s UTC") % {"date": date, "time": time}


def second(ms: int) -> str:
    """Return a time in ms since 1970 in words, to the second: ``4 Jul 2012, 12:00:00 UTC``."""
    locale = i18n.current().locale
    date = format_date(moment(ms), format="medium", locale=locale)
    time = format_time(moment(ms), "medium", locale=locale)
    return i18n.gettext("%(date)s, %(time)s UTC") % {"date": date, "time": time}


def parsed(iso: str) -> int:
    """Return the ms since 1970 of a time as the API writes it."""
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


def day(ms: int) -> str:
    """Return the day of a time in ms since 1970: ``Jul 4, 2012``."""
    return _day(ms // _DAY, i18n.current())


@lru_cache(_KEPT)
def _day(days: int, language: Language) -> str:
    return format_date(moment(days * _DAY), format="medium", locale=language.locale)


@lru_cache(_KEPT)
def _day_of_year(days: int, language: Language) -> str:
    return format_skeleton("MMMd", moment(days * _DAY), locale=language.locale)


def ago(ms: int, now: int) -> str:
    """Return how long ago a time was, briefly: ``now``, ``3m``, ``5h``, ``2d``, ``Jul 4``."""
    age = max(0, now - ms)
    if age < _MINUTE:
        return i18n.gettext("now")
    if age < _HOUR:
        return i18n.gettext("%(minutes)sm") % {"minutes": age // _MINUTE}
    if age < _DAY:
        return i18n.gettext("%(hours)sh") % {"hours": age // _HOUR}
    if age < 7 * _DAY:
        return i18n.gettext("%(days)sd") % {"days": age // _DAY}
    if moment(ms).year == moment(now).year:
        return _day_of_year(ms // _DAY, i18n.current())
    return day(ms)


def left(ms: int, now: int) -> str:
    """Return how long it is until a time, in words: ``3 hours left``."""
    remaining = ms - now
    if remaining >= _DAY:
        days = remaining // _DAY
        return i18n.ngettext("%(num)s day left", "%(num)s days left", days) % {"num": days}
    if remaining >= _HOUR:
        hours = remaining // _HOUR
        return i18n.ngettext("%(num)s hour left", "%(num)s hours left", hours) % {"num": hours}
    minutes = max(1, remaining // _MINUTE)
    words = i18n.ngettext("%(num)s minute left", "%(num)s minutes left", minutes)
    return words % {"num": minutes}


def parse_utc(text: str) -> int | None:
    """Return the ms since 1970 of what a ``datetime-local`` field holds, in UTC; None if empty.

    Raises:
        ValueError: it is not such a time.
    """
    if not text.strip():
        return None
    return int(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp() * 1000)
