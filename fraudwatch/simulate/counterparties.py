"""The other side of a transaction: shops in a city or online, people and firms, employers, collectors of bills.

A counterparty is one integer; all that is known of it (category, country, place) is a hash of that integer,
so innocent transactions and cases meet the same counterparties and nothing about one tells them apart.
"""

from typing import NamedTuple

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import places
from fraudwatch.simulate.draws import BoolArray, Draws

SHOPS_PER_CITY = 1_500
ONLINE_SHOPS = 6_000
BILLERS = 800
EMPLOYERS = 30_000
PAYEES = 5_000_000
POPULAR_PAYEES = 3_000
"""Schools, clubs, tax offices: payees that many accounts share, as those of a ring of cases are shared."""

FIRST_ONLINE = len(places.CITIES) * SHOPS_PER_CITY
FIRST_BILLER = FIRST_ONLINE + ONLINE_SHOPS
FIRST_EMPLOYER = FIRST_BILLER + BILLERS
FIRST_PAYEE = FIRST_EMPLOYER + EMPLOYERS
POPULARITY = 1.8
"""A shop's number in its city is n·u^1.8: the best known tenth of the shops takes 28 % of new customers."""

_POPULAR = 0.25  # share of new payees that are popular ones
_SPREAD_DEGREES = 0.12  # shops lie within about 13 km of the middle of their city
_HEAD_OFFICE = 0.002  # shops whose transactions carry the place of a head office elsewhere
_FOREIGN_PAYEES = 0.08
_HOME = -1  # country of the account


class Category(NamedTuple):
    """What is bought. `factor` is its usual amount in multiples of the account's own."""

    name: str
    channel: str
    weight: float
    factor: float


IN_CITY = (
    Category("groceries", "card_present", 30.0, 1.0),
    Category("dining", "card_present", 20.0, 0.8),
    Category("transport", "card_present", 10.0, 0.4),
    Category("fuel", "card_present", 8.0, 1.6),
    Category("clothing", "card_present", 7.0, 1.8),
    Category("health", "card_present", 7.0, 0.9),
    Category("leisure", "card_present", 8.0, 1.0),
    Category("household", "card_present", 4.0, 2.2),
    Category("cash", "atm", 6.0, 2.0),
)
ONLINE = (
    Category("digital", "online", 30.0, 0.35),
    Category("marketplace", "online", 25.0, 1.2),
    Category("clothing", "online", 15.0, 1.8),
    Category("electronics", "online", 8.0, 3.5),
    Category("tickets", "online", 10.0, 1.5),
    Category("travel", "online", 4.0, 5.0),
    Category("utilities", "online", 8.0, 1.8),
)
COLLECTED = (
    Category("telecom", "direct_debit", 25.0, 0.8),
    Category("energy", "direct_debit", 20.0, 3.0),
    Category("insurance", "direct_debit", 25.0, 1.8),
    Category("subscription", "direct_debit", 30.0, 0.5),
)
SALARY = Category("salary", "transfer", 1.0, 80.0)
TRANSFER = Category("transfer", "transfer", 1.0, 2.5)
CATEGORIES = (*IN_CITY, *ONLINE, *COLLECTED, SALARY, TRANSFER)


class _Known(NamedTuple):
    """What is known of each counterparty below FIRST_PAYEE, looked up instead of hashed again."""

    category: IntArray
    factor: FloatArray
    country: IntArray
    latitude: FloatArray
    longitude: FloatArray
    atms: IntArray  # [cities, so many as the city with fewest has]


def shops(draws: Draws, city: IntArray) -> IntArray:
    """A shop in each of these cities."""
    rank = SHOPS_PER_CITY * draws.uniform("shop") ** POPULARITY
    return city * SHOPS_PER_CITY + rank.astype(np.int64)


def online_shops(draws: Draws) -> IntArray:
    """An online shop for each."""
    rank = ONLINE_SHOPS * draws.uniform("online shop") ** POPULARITY
    return FIRST_ONLINE + rank.astype(np.int64)


def atms(draws: Draws, city: IntArray) -> IntArray:
    """A cash machine in each of these cities."""
    return _KNOWN.atms[city, draws.whole("atm", 0, _KNOWN.atms.shape[1] - 1)]


def billers(draws: Draws) -> IntArray:
    """Somebody who collects bills by direct debit; the large ones have most customers."""
    rank = BILLERS * draws.uniform("biller") ** POPULARITY
    return FIRST_BILLER + rank.astype(np.int64)


def employers(draws: Draws) -> IntArray:
    """Somebody who pays salaries or pensions, some to very many."""
    rank = EMPLOYERS * draws.uniform("employer") ** (2 * POPULARITY)
    return FIRST_EMPLOYER + rank.astype(np.int64)


def payees(draws: Draws) -> IntArray:
    """Somebody paid by transfer: a quarter of the time a popular one, else hardly ever shared."""
    u = draws.uniform("payee")
    known = POPULAR_PAYEES * (u / _POPULAR) ** POPULARITY
    unknown = POPULAR_PAYEES + (PAYEES - POPULAR_PAYEES) * (u - _POPULAR) / (1.0 - _POPULAR)
    # The popular ones are spread over all numbers (the factor is coprime to PAYEES), so that a number says nothing.
    rank = np.where(u < _POPULAR, known, unknown).astype(np.int64)
    return FIRST_PAYEE + rank * 3_141_593 % PAYEES


def is_payee(counterparty: IntArray) -> BoolArray:
    """Whether each is paid by transfer."""
    return counterparty >= FIRST_PAYEE


def is_in_city(counterparty: IntArray) -> BoolArray:
    """Whether each is a shop one walks into."""
    return counterparty < FIRST_ONLINE


def categories(counterparty: IntArray) -> IntArray:
    """Index into CATEGORIES of each counterparty."""
    return _KNOWN.category[_row(counterparty)]


def factors(counterparty: IntArray) -> FloatArray:
    """Usual amount at each counterparty, in multiples of the account's own."""
    return _KNOWN.factor[_row(counterparty)]


def countries(counterparty: IntArray, home: IntArray) -> IntArray:
    """Country of each counterparty, as index into COUNTRIES; `home` is the account's own country.

    Payees mostly live in the account's country, employers and billers always; online shops sit anywhere, in
    big countries more often.
    """
    country = _KNOWN.country[_row(counterparty)]
    country = np.where(country == _HOME, home, country)
    payee = np.flatnonzero(is_payee(counterparty))
    draws = Draws.of(0, "country", counterparty[payee])
    foreign = draws.happens("foreign", _FOREIGN_PAYEES)
    country[payee[foreign]] = _anywhere(draws)[foreign]
    return country


def positions(counterparty: IntArray) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude of each shop in a city, or of its head office; NaN for the others."""
    row = _row(counterparty)
    return _KNOWN.latitude[row], _KNOWN.longitude[row]


def _row(counterparty: IntArray) -> IntArray:
    """Row of _KNOWN; all payees share the last one."""
    return np.minimum(counterparty, FIRST_PAYEE)


def _anywhere(draws: Draws) -> IntArray:
    return places.COUNTRY[draws.pick("city", places.HOMES + places.VISITS)]


def _known() -> _Known:
    everyone = np.arange(FIRST_PAYEE + 1)
    category = _category_of(everyone)
    in_city = is_in_city(everyone)
    city = np.where(in_city, everyone // SHOPS_PER_CITY, 0)
    place = Draws.of(0, "position", everyone)
    city = np.where(place.happens("head office", _HEAD_OFFICE), place.pick("where", places.OFFICES), city)
    north = place.between("north", -_SPREAD_DEGREES, _SPREAD_DEGREES)
    east = place.between("east", -_SPREAD_DEGREES, _SPREAD_DEGREES)
    country = np.where(in_city, places.COUNTRY[city], _anywhere(Draws.of(0, "country", everyone)))
    cash = [category.channel for category in CATEGORIES].index("atm")
    machines = [
        np.flatnonzero(in_city & (category == cash) & (everyone // SHOPS_PER_CITY == c))
        for c in range(len(places.CITIES))
    ]
    fewest = min(len(each) for each in machines)
    return _Known(
        category=category,
        factor=np.array([each.factor for each in CATEGORIES])[category],
        country=np.where(everyone >= FIRST_BILLER, _HOME, country),
        latitude=np.where(in_city, (places.LATITUDE[city] + north).round(5), np.nan),
        longitude=np.where(in_city, (places.LONGITUDE[city] + east).round(5), np.nan),
        atms=np.stack([each[:fewest] for each in machines]),
    )


def _category_of(counterparty: IntArray) -> IntArray:
    draws = Draws.of(0, "category", counterparty)

    def among(kinds: tuple[Category, ...]) -> IntArray:
        first = CATEGORIES.index(kinds[0])
        return first + draws.pick("kind", np.array([kind.weight for kind in kinds]))

    ranges = [is_in_city(counterparty), counterparty < FIRST_BILLER, counterparty < FIRST_EMPLOYER]
    ranges.append(counterparty < FIRST_PAYEE)
    chosen = [among(kinds) for kinds in (IN_CITY, ONLINE, COLLECTED, (SALARY,))]
    return np.asarray(np.select(ranges, chosen, default=CATEGORIES.index(TRANSFER)))


_KNOWN = _known()
