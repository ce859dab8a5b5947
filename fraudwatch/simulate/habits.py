"""How an account behaves at a transaction: hour, amount, counterparty and device as it usually has them."""

import numpy as np

from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS, Accounts
from fraudwatch.simulate.draws import Draws, Keys, salt

WANDERING_HOURS = 0.04  # share of transactions at any hour of the day
NOON, NOON_WIDTH = 12.4, 0.5
GUEST = 0.2  # online payments of which no device is known
OTHER_DEVICE = (0.06, 0.006)  # own second device; somebody else's, seen once
NO_DEVICE = np.uint64(0)


def hours(accounts: Accounts, who: IntArray, draws: Draws, city: IntArray | None = None) -> IntArray:
    """Milliseconds since midnight UTC of a transaction of each account in `city`, by default at home.

    Its own hours, some around noon, now and then any.
    """
    normal, which = draws.normal("hour"), draws.uniform("which hour")
    usual = accounts.centre[who] + accounts.width[who] * normal
    usual = np.where(which < accounts.lunch[who], NOON + NOON_WIDTH * normal, usual)
    wanders = which > 1.0 - WANDERING_HOURS
    hour = np.where(wanders, draws.between("any hour", 0.0, 24.0), usual)
    return at_hour(hour, accounts.home[who] if city is None else city)


def at_hour(local_hour: FloatArray, city: IntArray) -> IntArray:
    """Milliseconds since midnight UTC of this local hour, which may be any number."""
    hour = (local_hour - places.UTC_OFFSET[city]) % 24.0
    return np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1)


def amounts(
    accounts: Accounts, who: IntArray, usual: FloatArray, counterparty: IntArray, draws: Draws
) -> FloatArray:
    """An amount in major units around `usual`, as the account spends at this counterparty."""
    noise = np.exp(accounts.spread[who] * draws.normal("amount"))
    return np.asarray(usual * counterparties.factors(counterparty) * noise)


def favourites(accounts: Accounts, who: IntArray, draws: Draws, day: int) -> Draws:
    """Draws of one of the account's favourites, the first ones most often; `counterparty` tells which it is.

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
    return slot.at("renewal", (day / kept_days + slot.uniform("phase")).astype(np.int64))


def newcomers(accounts: Accounts, who: IntArray, draws: Draws, city: IntArray) -> IntArray:
    """A counterparty as the account would try for the first time, in shops of this city or elsewhere."""
    return counterparty(accounts, who, draws.at("newcomer", 0), city)


def familiar(accounts: Accounts, who: IntArray, draws: Draws, day: int) -> IntArray:
    """One of the account's favourites."""
    return counterparty(accounts, who, favourites(accounts, who, draws, day), accounts.home[who])


def counterparty(accounts: Accounts, who: IntArray, draws: Draws, city: IntArray) -> IntArray:
    """A payee, an online shop or a shop of this city, in the account's own shares."""
    sort = draws.uniform("sort")
    is_payee = sort < accounts.payees[who]
    is_online = ~is_payee & (sort < accounts.payees[who] + accounts.online[who])
    chosen = np.where(is_online, counterparties.online_shops(draws), counterparties.shops(draws, city))
    return np.where(is_payee, counterparties.payees(draws), chosen)


def devices(accounts: Accounts, who: IntArray, counterparty: IntArray, draws: Draws, day: int) -> Keys:
    """The device used, or NO_DEVICE: the account's telephone of that time, a second one, or a stranger's."""
    second, stranger = OTHER_DEVICE
    which = draws.uniform("device")
    telephones = accounts.draws.take(who)
    number = (day / accounts.device_days[who] + telephones.uniform("device phase")).astype(np.int64)
    # Number −1 is the second device, which is kept for good.
    own = telephones.at("telephone", np.where(which < second, -1, number)).keys
    used = np.where(which > 1.0 - stranger, strange_devices(draws), own)
    unknown = np.where(
        counterparties.is_in_city(counterparty),
        ~accounts.has_wallet[who],
        ~counterparties.is_payee(counterparty) & draws.happens("guest", GUEST),
    )
    return np.where(unknown, NO_DEVICE, used)


def strange_devices(draws: Draws) -> Keys:
    """A device that nobody was seen with before."""
    return mix(draws.keys ^ salt("strange device"))
