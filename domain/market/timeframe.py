"""The one table of bar intervals; nothing else lists them.

Spellings `1mo` (storage, because some file systems fold case) and `1M` (wire) name one interval;
case is never folded: `1m` is a minute, `1M` a month.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.shared.errors import Invalid

DAY_S = 86_400


class Role(StrEnum):
    """HTF: trend and major levels. LTF: entry and exit timing."""

    HTF = "HTF"
    LTF = "LTF"


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One interval. `seconds` is the bar's length, None where the calendar decides (week, month).

    A `1d` bar lasts 86,400 s on `24/7` and one session on a session calendar.
    """

    name: str
    seconds: int | None
    roles: tuple[Role, ...]
    description: str
    storage_name: str

    @property
    def is_intraday(self) -> bool:
        """Shorter than a day: stored in one file per year and laid out inside sessions."""
        return self.seconds is not None and self.seconds < DAY_S

    @property
    def nominal_minutes(self) -> int:
        """Length in minutes; 43,200 for a month, for display and ordering only."""
        return (self.seconds or 30 * DAY_S) // 60


_BOTH = (Role.LTF, Role.HTF)
_TABLE: tuple[tuple[str, int | None, tuple[Role, ...], str], ...] = (
    ("1m", 60, (Role.LTF,), "1 minute"),
    ("3m", 180, (Role.LTF,), "3 minutes"),
    ("5m", 300, (Role.LTF,), "5 minutes"),
    ("15m", 900, _BOTH, "15 minutes"),
    ("30m", 1_800, _BOTH, "30 minutes"),
    ("1h", 3_600, _BOTH, "1 hour"),
    ("2h", 7_200, (Role.HTF,), "2 hours"),
    ("4h", 14_400, (Role.HTF,), "4 hours"),
    ("6h", 21_600, (Role.HTF,), "6 hours"),
    ("8h", 28_800, (Role.HTF,), "8 hours"),
    ("12h", 43_200, (Role.HTF,), "12 hours"),
    ("1d", DAY_S, (Role.HTF, Role.LTF), "1 day or session"),
    ("3d", 3 * DAY_S, (Role.HTF,), "3 days"),
    ("1w", 7 * DAY_S, (Role.HTF,), "1 week from Monday"),
    ("1M", None, (Role.HTF,), "1 calendar month"),
)

TIMEFRAMES: dict[str, Timeframe] = {
    name: Timeframe(name, seconds, roles, description, "1mo" if name == "1M" else name)
    for name, seconds, roles, description in _TABLE
}
DEFAULT_HTF = "1h"
DEFAULT_LTF = "15m"

_BY_SPELLING = TIMEFRAMES | {frame.storage_name: frame for frame in TIMEFRAMES.values()}


def timeframe(text: str) -> Timeframe:
    """The interval of either spelling. Invalid `unknown_timeframe` otherwise."""
    found = _BY_SPELLING.get(text)
    if found is None:
        raise Invalid(
            "unknown_timeframe",
            f"There is no interval of that name; known: {', '.join(TIMEFRAMES)}.",
            context={"known": list(TIMEFRAMES)},
        )
    return found
