"""Figures as people read them: percentages, sizes, times."""

import math

from markupsafe import Markup

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage; one that is not whole is never rounded up to 100."""
    if share < 1 and share > 0.9995:
        return f"{math.floor(share * 10000) / 100:.2f} %"
    return f"{share * 100:.1f} %"


def size(count: int) -> str:
    """Bytes as B, kB or MB of 1000."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.2f} MB"


def count(value: int) -> str:
    """An integer with its thousands set apart."""
    return f"{value:,}"


def duration(microseconds: float) -> str:
    """Microseconds as µs or ms."""
    return f"{microseconds:.1f} µs" if microseconds < 1000 else f"{microseconds / 1000:.2f} ms"


def seconds(value: float) -> str:
    """Seconds as s, min or h."""
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def power_of_ten(exponent: float) -> str:
    """A tick of a logarithmic axis, without TeX: labels are a user's and may hold a dollar sign."""
    return f"10{str(round(exponent)).translate(_SUPERSCRIPT)}"


def small(value: float) -> str:
    """A figure of any magnitude in three digits, 4.77 × 10⁻⁶ below a thousandth."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × {power_of_ten(int(exponent))}"


def figure(value: float | None, unit: str = "") -> str:
    """A gate's value or limit with its unit."""
    if value is None:
        return "–"
    digits = f"{value:.4f}".rstrip("0").rstrip(".") if 1e-3 <= abs(value) < 1000 else small(value)
    return f"{digits} {unit}".rstrip()


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def unit(name: str) -> str:
    """A contract's unit in SI notation."""
    return {"m/s^2": "m/s²", "uT": "µT"}.get(name, name)


def breakable(name: str) -> Markup:
    """Escaped, and allowed to wrap after an underscore: class names are long and phones narrow."""
    return Markup("_<wbr>").join(name.split("_"))
