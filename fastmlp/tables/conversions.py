"""What a text may stand for: numbers, money, shares, dates, times, true and false; each gives null for other texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

# Zip codes and account numbers: as numbers they would lose zeros in front, or digits at the end.
NOT_A_NUMBER = r"^[+-]?(?:0\d+|\d{19,})$"
CURRENCY = r"(?:US\$|R\$|[$€£¥₹₽₩₺₪₫฿]|(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|CNY|INR|BRL|SEK|NOK|DKK|PLN|CZK|zł|kr)\b\.?)"
MONTH_FIRST, DAY_FIRST = "%m/%d/", "%d/%m/"
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",  # where both fit, the month is first
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%y",
)
MONTHS = ("%b-%Y", "%b %Y", "%B %Y", "%Y-%m")  # Mar-2018, March 2018, 2018-03: their first days
TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p")
DAYS_WITH_TIMES = ("%Y-%m-%dT", "%Y-%m-%d ", "%Y/%m/%d ", "%m/%d/%Y ", "%d/%m/%Y ", "%d.%m.%Y ")
MOMENTS_OF_ZONES = ("%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z")

Conversion = Callable[[pl.Expr], pl.Expr]


def conversions(decimal_comma: bool, day_first: bool | None) -> dict[str, Conversion]:
    """Return what a text may be, in the order to be tried."""
    with_commas = with_decimal_comma if decimal_comma else with_thousands
    found: dict[str, Conversion] = {
        "integer": lambda text: number(text).cast(pl.Int64, strict=False),
        "float": lambda text: number(text).cast(pl.Float64, strict=False),
        "boolean": boolean,
        "number with commas": lambda text: with_commas(number(text)),
        "money": lambda text: with_commas(number(without_currency(text))),
        "percentage": lambda text: with_commas(number(without_percent(text))),
    }
    found |= {form: partial(date, form=form) for form in DATES}
    found |= {form: partial(first_day, form=form) for form in MONTHS}
    found |= {form: partial(time_of_day, form=form) for form in TIMES}
    found |= {days + times: partial(moment, form=days + times) for days in DAYS_WITH_TIMES for times in TIMES}
    found |= {form: partial(moment_of_zone, form=form) for form in MOMENTS_OF_ZONES}
    wrong = () if day_first is None else MONTH_FIRST if day_first else DAY_FIRST
    return {form: each for form, each in found.items() if not form.startswith(wrong)}


def number(text: pl.Expr) -> pl.Expr:
    """Return the texts that may be numbers, null for names made of digits."""
    return pl.when(~text.str.contains(NOT_A_NUMBER)).then(text)


def with_decimal_comma(text: pl.Expr) -> pl.Expr:
    """Return the numbers of texts such as "1,5" and "1.234,5"."""
    is_one = text.str.contains(r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?$")
    plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return pl.when(is_one).then(plain).cast(pl.Float64, strict=False)


def with_thousands(text: pl.Expr) -> pl.Expr:
    """Return the numbers of texts such as "1,234" and "1,234,567.8"."""
    is_one = text.str.contains(r"^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$")
    return pl.when(is_one).then(text.str.replace_all(",", "", literal=True)).cast(pl.Float64, strict=False)


def without_currency(text: pl.Expr) -> pl.Expr:
    """Return the numbers in texts such as "$1,234", "-$5", "5 €" and "USD 5"; "(5)" is -5, as bookkeepers write it."""
    bare = text.str.replace(r"^\((.*)\)$", "-$1")
    return bare.str.replace(rf"^([+-]?)\s*{CURRENCY}\s*([+-]?)", "$1$2").str.replace(rf"\s*{CURRENCY}$", "")


def without_percent(text: pl.Expr) -> pl.Expr:
    """Return the numbers in texts such as "12.5%" and "3 %"."""
    return pl.when(text.str.ends_with("%")).then(text.str.replace(r"\s*%$", ""))


def boolean(text: pl.Expr) -> pl.Expr:
    """Return True for "true", False for "false", in any case of letters."""
    lower = text.str.to_lowercase()
    return pl.when(lower.is_in(["true", "false"])).then(lower == "true")


def date(text: pl.Expr, form: str) -> pl.Expr:
    """Return the days of texts; years of four digits are no others, and those of two have two."""
    day = text.str.strptime(pl.Date, form, strict=False)
    return pl.when(text.str.contains(r"\D\d\d$") if form.endswith("%y") else day.dt.year() >= 1000).then(day)


def first_day(text: pl.Expr, form: str) -> pl.Expr:
    """Return the first days of months, of years of four digits."""
    return date(text + " 1", f"{form} %d")


def time_of_day(text: pl.Expr, form: str) -> pl.Expr:
    """Return how long after midnight it is."""
    return text.str.strptime(pl.Time, form, strict=False).cast(pl.Duration("us"))


def moment(text: pl.Expr, form: str) -> pl.Expr:
    """Return the moments of texts, of years of four digits."""
    found = text.str.strptime(pl.Datetime("us"), form, strict=False)
    return pl.when(found.dt.year() >= 1000).then(found)


def moment_of_zone(text: pl.Expr, form: str) -> pl.Expr:
    """Return the moments of texts that end in "Z" or "+02:00", as those of UTC."""
    text = text.str.replace("Z$", "+00:00")
    return text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False).dt.replace_time_zone(None)
