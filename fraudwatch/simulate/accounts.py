"""Accounts: everything that stays the same about each.

Every number here is argued with in docs/simulator.md.
"""

from dataclasses import dataclass

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import calendar, places
from fraudwatch.simulate.draws import BoolArray, Draws

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
YEAR = 365

FIRMS, SECOND_ACCOUNTS = 0.06, 0.14
MEDIAN_AMOUNT, AMOUNT_BETWEEN = 24.0, 0.75  # major units; spread of log scale between accounts
FIRM_AMOUNTS = 3.0
MEDIAN_RATE, RATE_BETWEEN, RATES = 1.7, 0.65, (0.08, 12.0)  # transactions a day
WAVE = 0.3  # how far log amounts and their habit swing over the months
NIGHT_WORKERS = 0.08
CARD_WITHOUT_DEVICE = 0.6  # accounts that pay with the plastic card, not with the telephone
DAYS_OF_SPENDING_EARNED, INCOME_BETWEEN, INCOMES = 50.0, 0.3, (350.0, 15_000.0)  # usual amounts; major units
BILLS = 6
SLEEPERS = 0.45  # of the second accounts
OPENED_YEARS = (-4.0, 1.0)  # around the plan's first day


@dataclass(frozen=True, slots=True)
class Accounts:
    """Habits of n accounts, one array element each; about 300 bytes an account."""

    seed: int
    first_day: int  # of the plan
    draws: Draws
    is_firm: BoolArray
    is_second: BoolArray  # neither income nor bills; some of them sleep
    scale: FloatArray  # major units: median amount at a counterparty of factor 1
    spread: FloatArray  # standard deviation of log amount
    wave_days: FloatArray  # period of the slow wave of amounts
    rate: FloatArray  # transactions a day, averaged over the week
    weekday: FloatArray  # [n, 7], Monday first, mean 1
    centre: FloatArray  # local hour around which the day lies
    width: FloatArray  # hours
    lunch: FloatArray  # share of transactions around noon
    favourites: FloatArray  # how many counterparties are kept
    reuse: FloatArray  # exponent of the Zipf-like choice among them
    novelty: FloatArray  # share of transactions at a counterparty outside the favourites
    online: FloatArray  # share of counterparties that are online
    payees: FloatArray  # share of counterparties that are paid by transfer
    credits: FloatArray  # share of dealings with payees in which they pay
    declined: FloatArray  # share of card payments that are declined
    home: IntArray  # index of the city
    trip_every: IntArray  # days from one journey to the next
    trip_days: IntArray  # how long it lasts
    trip_phase: IntArray
    is_shared: BoolArray  # somebody stays at home during a journey
    device_days: FloatArray  # how long a telephone is kept
    has_wallet: BoolArray  # shops are paid by telephone
    income: FloatArray  # major units a month, of those who have one what they earn, of the others as much
    pay_rule: IntArray  # index into calendar.PAY_RULES
    rent: FloatArray  # major units a month, 0 for none
    rent_day: IntArray  # day of the month
    bill_days: IntArray  # [n, BILLS], int8: day of the month of each bill, 0 for none
    opened: IntArray  # day; long before the plan for most
    nap_every: IntArray  # days from one long sleep to the next
    nap_days: IntArray  # how long it lasts, 0 for accounts that never sleep
    nap_phase: IntArray

    def __len__(self) -> int:
        return len(self.draws)

    def asleep_days(self, day: int, part: slice = slice(None)) -> IntArray:
        """For how many days each account has slept on this day; 0 for those awake."""
        into = (day + self.nap_phase[part]) % self.nap_every[part]
        return np.where(into < self.nap_days[part], into + 1, 0)

    def is_active(self, day: int, part: slice = slice(None)) -> BoolArray:
        """Which accounts are open and awake."""
        return np.asarray((self.opened[part] <= day) & (self.asleep_days(day, part) == 0))

    def is_away(self, day: int, part: slice = slice(None)) -> BoolArray:
        """Whose holders are on a journey."""
        return np.asarray((day + self.trip_phase[part]) % self.trip_every[part] < self.trip_days[part])

    def is_travelling(self, day: int, part: slice = slice(None)) -> BoolArray:
        """Whose journey begins or ends on this day: they are under way and buy nothing."""
        into = (day + self.trip_phase[part]) % self.trip_every[part]
        return np.asarray((into == 0) | (into == self.trip_days[part]))

    def destination(self, day: int, who: IntArray) -> IntArray:
        """City of the journey of each."""
        trip = (day + self.trip_phase[who]) // self.trip_every[who]
        return self.draws.take(who).at("trip", trip).pick("destination", places.VISITS)

    def usual(self, day: int, who: IntArray | slice) -> FloatArray:
        """Median amount, in major units, of each on this day at a counterparty of factor 1."""
        turns = day / self.wave_days[who] + self.draws.take(who).uniform("wave phase")
        return self.scale[who] * np.exp(WAVE * np.sin(2.0 * np.pi * turns))


def accounts_of(seed: int, count: int, first_day: int = 0) -> Accounts:
    """The first `count` accounts of the world of this seed; more accounts leave the first ones unchanged.

    `first_day` is the plan's: around it accounts are opened.
    """
    draws = Draws.of(seed, "account", np.arange(count))
    sort = draws.uniform("sort of account")
    is_firm, is_second = sort < FIRMS, sort > 1.0 - SECOND_ACCOUNTS
    scale = draws.lognormal("scale", MEDIAN_AMOUNT, AMOUNT_BETWEEN) * np.where(is_firm, FIRM_AMOUNTS, 1.0)
    rate = np.clip(draws.lognormal("rate", MEDIAN_RATE, RATE_BETWEEN), *RATES)
    rate = np.where(is_second, np.maximum(rate / 3.0, RATES[0]), rate)
    earned = draws.lognormal("income", 1.0, INCOME_BETWEEN) * DAYS_OF_SPENDING_EARNED * scale * rate
    income = np.clip(earned, *INCOMES)
    works_at_night = draws.happens("night worker", NIGHT_WORKERS)
    first, last = (int(YEAR * years) for years in OPENED_YEARS)
    sleeps = is_second & draws.happens("sleeps", SLEEPERS)
    return Accounts(
        seed=seed,
        first_day=first_day,
        draws=draws,
        is_firm=is_firm,
        is_second=is_second,
        scale=scale,
        spread=draws.between("spread", 0.35, 0.8),
        wave_days=draws.between("wave days", 90.0, 500.0),
        rate=rate,
        weekday=_week(draws),
        centre=np.where(works_at_night, 22.5, 14.5) + 2.2 * draws.normal("centre"),
        width=draws.between("width", 1.8, 4.2),
        lunch=np.where(works_at_night, 0.0, draws.between("lunch", 0.0, 0.35)),
        favourites=draws.whole("favourites", 5, 30).astype(np.float64),
        reuse=draws.between("reuse", 0.7, 1.5),
        novelty=draws.between("novelty", 0.06, 0.28),
        online=draws.between("online", 0.08, 0.5),
        payees=np.where(is_firm, draws.between("payees", 0.3, 0.6), draws.between("payees", 0.03, 0.14)),
        credits=np.where(is_firm, 0.7, draws.between("credits", 0.1, 0.4)),
        declined=draws.between("declined", 0.003, 0.05),
        home=draws.pick("home", places.HOMES),
        trip_every=draws.whole("trip every", 60, 300),
        trip_days=draws.whole("trip days", 3, 11),
        trip_phase=draws.whole("trip phase", 0, 299),
        is_shared=draws.happens("shared", 0.02),
        device_days=draws.between("device days", 200.0, 900.0),
        has_wallet=~draws.happens("no wallet", CARD_WITHOUT_DEVICE),
        income=income,
        pay_rule=draws.pick("pay rule", calendar.PAY_WEIGHTS),
        rent=np.where(
            ~is_second & draws.happens("rents", 0.65), income * draws.between("rent", 0.18, 0.38), 0.0
        ),
        rent_day=np.array([1, 3, 5, 8, 10])[draws.whole("rent day", 0, 4)],
        bill_days=_bill_days(draws, is_second),
        opened=first_day + (first + (last - first) * draws.uniform("opened")).astype(np.int64),
        nap_every=draws.whole("nap every", 250, 500),
        nap_days=np.where(sleeps, draws.whole("nap days", 60, 200), 0),
        nap_phase=draws.whole("nap phase", 0, 499),
    )


def _week(draws: Draws) -> FloatArray:
    """Own factors of the seven days: some weekend, one own shopping day, some noise; mean 1."""
    week = np.stack([draws.lognormal(f"weekday {day}", 1.0, 0.2) for day in range(7)], axis=1)
    week[:, 5:] *= draws.lognormal("weekend", 1.1, 0.4)[:, None]
    week[np.arange(len(draws)), draws.whole("shopping day", 0, 6)] *= 1.5
    return np.asarray(week / week.mean(axis=1, keepdims=True))


def _bill_days(draws: Draws, is_second: BoolArray) -> IntArray:
    """One to BILLS bills a month, none on second accounts."""
    bills = np.where(is_second, 0, draws.whole("bills", 1, BILLS))
    days = [np.where(slot < bills, draws.at("bill", slot).whole("day", 1, 28), 0) for slot in range(BILLS)]
    return np.stack(days, axis=1).astype(np.int8)
