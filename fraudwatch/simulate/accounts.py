"""Accounts and their habits: everything that stays the same about an account, and what it usually does.

Every number here is argued with in docs/simulator.md.
"""

from dataclasses import dataclass

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.draws import Draws, Keys, mix, salt

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

MEDIAN_AMOUNT, AMOUNT_BETWEEN = 24.0, 0.75  # major units; spread of log scale between accounts
MEDIAN_RATE, RATE_BETWEEN, RATES = 1.7, 0.65, (0.08, 12.0)  # transactions a day
NIGHT_WORKERS = 0.08
WANDERING_HOURS = 0.07  # share of transactions at any hour of the day
CARD_WITHOUT_DEVICE = 0.6  # accounts that pay with the plastic card, not with the telephone
GUEST = 0.2  # online payments of which no device is known
OTHER_DEVICE = (0.06, 0.006)  # own second device; somebody else's, seen once
NO_DEVICE = np.uint64(0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Habits of n accounts, one array element each; about 200 bytes an account."""

    seed: int
    draws: Draws
    scale: FloatArray  # major units: median amount at a counterparty of factor 1
    spread: FloatArray  # standard deviation of log amount
    rate: FloatArray  # transactions a day, averaged over the week
    weekday: FloatArray  # [n, 7], Monday first, mean 1
    centre: FloatArray  # UTC hour around which the day lies
    width: FloatArray  # hours
    favourites: FloatArray  # how many counterparties are kept
    reuse: FloatArray  # exponent of the Zipf-like choice among them
    novelty: FloatArray  # share of transactions at a counterparty outside the favourites
    online: FloatArray  # share of counterparties that are online
    payees: FloatArray  # share of counterparties that are paid by transfer
    home: IntArray  # index of the city
    device_days: FloatArray  # how long a telephone is kept
    has_wallet: FloatArray  # 1.0 where shops are paid by telephone

    def __len__(self) -> int:
        return len(self.draws)


def accounts_of(seed: int, count: int) -> Accounts:
    """The first `count` accounts of the world of this seed; more accounts leave the first ones unchanged."""
    draws = Draws.of(seed, "account", np.arange(count))
    home = draws.pick("home", places.HOMES)
    works_at_night = draws.happens("night worker", NIGHT_WORKERS)
    local = np.where(works_at_night, 22.5, 14.5) + 2.2 * draws.normal("centre")
    return Accounts(
        seed=seed,
        draws=draws,
        scale=draws.lognormal("scale", MEDIAN_AMOUNT, AMOUNT_BETWEEN),
        spread=draws.between("spread", 0.45, 0.95),
        rate=np.clip(draws.lognormal("rate", MEDIAN_RATE, RATE_BETWEEN), *RATES),
        weekday=_week(draws),
        centre=(local - places.UTC_OFFSET[home]) % 24.0,
        width=draws.between("width", 1.8, 4.2),
        favourites=draws.whole("favourites", 5, 30).astype(np.float64),
        reuse=draws.between("reuse", 0.7, 1.5),
        novelty=draws.between("novelty", 0.06, 0.28),
        online=draws.between("online", 0.08, 0.5),
        payees=draws.between("payees", 0.03, 0.14),
        home=home,
        device_days=draws.between("device days", 200.0, 900.0),
        has_wallet=(~draws.happens("no wallet", CARD_WITHOUT_DEVICE)).astype(np.float64),
    )


def _week(draws: Draws) -> FloatArray:
    """Own factors of the seven days: some weekend, one own shopping day, some noise; mean 1."""
    week = np.stack([draws.lognormal(f"weekday {day}", 1.0, 0.2) for day in range(7)], axis=1)
    week[:, 5:] *= draws.lognormal("weekend", 1.1, 0.4)[:, None]
    week[np.arange(len(draws)), draws.whole("shopping day", 0, 6)] *= 1.5
    return np.asarray(week / week.mean(axis=1, keepdims=True))


def hours(accounts: Accounts, who: IntArray, draws: Draws) -> IntArray:
    """Milliseconds since midnight UTC of a transaction of each account: its own hours, now and then any."""
    usual = accounts.centre[who] + accounts.width[who] * draws.normal("hour")
    wanders = draws.happens("wanders", WANDERING_HOURS)
    hour = np.where(wanders, draws.between("any hour", 0.0, 24.0), usual) % 24.0
    return np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1)


def amounts(accounts: Accounts, who: IntArray, counterparty: IntArray, draws: Draws) -> FloatArray:
    """An amount in major units that is usual for the account at this counterparty."""
    noise = np.exp(accounts.spread[who] * draws.normal("amount"))
    return np.asarray(accounts.scale[who] * counterparties.factors(counterparty) * noise)


def favourites(accounts: Accounts, who: IntArray, draws: Draws, day: int) -> IntArray:
    """One of the account's favourites, the first ones most often.

    The rank follows a power law with the account's own exponent (a continuous Zipf, by inversion); a
    favourite is given up for another after one to fourteen months, each at its own time.
    """
    rest = 1.0 - accounts.reuse[who]
    rest = np.where(np.abs(rest) < 1e-3, 1e-3, rest)
    top = (accounts.favourites[who] + 1.0) ** rest
    rank = ((top - 1.0) * draws.uniform("rank") + 1.0) ** (1.0 / rest)
    slot = accounts.draws.take(who).at(
        "favourite", np.minimum(rank, accounts.favourites[who]).astype(np.int64)
    )
    kept_days = slot.between("kept days", 30.0, 420.0)
    renewal = (day / kept_days + slot.uniform("phase")).astype(np.int64)
    return _chosen(accounts, who, slot.at("renewal", renewal), accounts.home[who])


def newcomers(accounts: Accounts, who: IntArray, draws: Draws, city: IntArray) -> IntArray:
    """A counterparty as the account would try for the first time, in shops of this city or elsewhere."""
    return _chosen(accounts, who, draws.at("newcomer", 0), city)


def _chosen(accounts: Accounts, who: IntArray, draws: Draws, city: IntArray) -> IntArray:
    sort = draws.uniform("sort")
    is_payee = sort < accounts.payees[who]
    is_online = ~is_payee & (sort < accounts.payees[who] + accounts.online[who])
    shop = counterparties.shops(draws, city)
    chosen = np.where(is_online, counterparties.online_shops(draws), shop)
    return np.where(is_payee, counterparties.payees(draws), chosen)


def devices(accounts: Accounts, who: IntArray, counterparty: IntArray, draws: Draws, day: int) -> Keys:
    """The device used, or NO_DEVICE: the account's telephone of that time, a second one, or a stranger's."""
    second, stranger = OTHER_DEVICE
    which = draws.uniform("device")
    telephone = (day / accounts.device_days[who] + accounts.draws.take(who).uniform("device phase")).astype(
        int
    )
    own = accounts.draws.take(who).at("telephone", telephone).keys
    own = np.where(which < second, accounts.draws.take(who).at("second device", 0).keys, own)
    used = np.where(which > 1.0 - stranger, strange_devices(draws), own)
    unknown = np.where(
        counterparties.is_in_city(counterparty),
        accounts.has_wallet[who] < 1.0,
        ~counterparties.is_payee(counterparty) & draws.happens("guest", GUEST),
    )
    return np.where(unknown, NO_DEVICE, used)


def strange_devices(draws: Draws) -> Keys:
    """A device that nobody was seen with before."""
    return mix(draws.keys ^ salt("strange device"))
