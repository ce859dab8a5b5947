"""Days that matter to many accounts at once: public holidays, working days, pay days, days of collection.

Days are counted from 1970-01-01. The holidays are those of France.
"""

from datetime import date, timedelta
from functools import cache

import numpy as np

from fraudwatch.records import IntArray
from fraudwatch.simulate.draws import BoolArray
from fraudwatch.simulate.plan import EPOCH

_EVERY_YEAR = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER = (1, 39, 50)  # Easter Monday, Ascension, Whit Monday

LAST_WORKING_DAY = 0
PAY_RULES = (LAST_WORKING_DAY, 1, 5, 9, 15, 25, 27, 28)
"""Day of the month on which income comes; moved to the working day before where banks are closed."""

PAY_WEIGHTS = np.array([0.42, 0.05, 0.06, 0.15, 0.03, 0.09, 0.10, 0.10])
"""Nearly half of the accounts are paid on one day: the shared shock. The 9th is the day of the pensions."""


def date_of(day: int) -> date:
    """The date of a day."""
    return EPOCH + timedelta(days=day)


def weekday(day: int) -> int:
    """0 on Mondays; 1970-01-01 was a Thursday."""
    return (day + 3) % 7


@cache
def holidays(year: int) -> frozenset[int]:
    """The days of the year's public holidays; Easter as in Meeus, Astronomical Algorithms (1991), chapter 8."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, before = divmod(h + j - 7 * m + 114, 31)
    easter = _day(year, month, before + 1)
    fixed = {_day(year, month, day) for month, day in _EVERY_YEAR}
    return frozenset(fixed | {easter + after for after in _AFTER_EASTER})


def is_holiday(day: int) -> bool:
    """Whether it is a public holiday."""
    return day in holidays(date_of(day).year)


def is_working(day: int) -> bool:
    """Whether banks move money on this day."""
    return weekday(day) < 5 and not is_holiday(day)


def shopping(day: int) -> float:
    """How much is bought on this day, in multiples of a usual one of that weekday."""
    if is_holiday(day):
        return 0.55
    today = date_of(day)
    if today.month == 12 and 10 <= today.day <= 24:
        return 1.35
    if today.month == 11 and weekday(day) == 4 and 23 <= today.day <= 29:
        return 1.7  # the Friday of the sales
    return 1.0


def since_pay(day: int) -> IntArray:
    """Days since the last income, for each of PAY_RULES; 0 on the day itself."""
    return np.array([_since(rule, day) for rule in PAY_RULES])


def _since(rule: int, day: int) -> int:
    for back in range(45):
        if is_pay_day(rule, day - back):
            return back
    raise AssertionError(f"no pay day of rule {rule} in the 45 days before {date_of(day)}")


@cache
def is_pay_day(rule: int, day: int) -> bool:
    """Whether income of this rule comes on this day."""
    if not is_working(day):
        return False
    ahead = 1
    while not is_working(day + ahead):
        ahead += 1
    covered = [date_of(day + later) for later in range(ahead)]
    if rule == LAST_WORKING_DAY:
        return date_of(day + ahead).month != date_of(day).month
    return any(each.day == rule for each in covered)


def collected(day: int) -> BoolArray:
    """bool[32]: whether what is due on each day of a month is collected today; nothing on days off."""
    due = np.zeros(32, dtype=np.bool_)
    if is_working(day):
        due[date_of(day).day] = True
        while not is_working(day - 1):
            day -= 1
            due[date_of(day).day] = True
    return due


def _day(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - EPOCH).days
