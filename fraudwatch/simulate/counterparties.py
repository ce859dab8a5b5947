"""The other side of a transaction: shops in a city, shops online, and people or firms paid by transfer.

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
PAYEES = 5_000_000
FIRST_ONLINE = len(places.CITIES) * SHOPS_PER_CITY
FIRST_PAYEE = FIRST_ONLINE + ONLINE_SHOPS
POPULARITY = 1.8
"""A shop's number in its city is n·u^1.8: the best known tenth of the shops takes 28 % of new customers."""
_SPREAD_DEGREES = 0.12  # shops lie within about 13 km of the middle of their city
_FOREIGN_PAYEES = 0.08


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
TRANSFER = (Category("transfer", "transfer", 1.0, 2.5),)
CATEGORIES = IN_CITY + ONLINE + TRANSFER
_FACTOR = np.array([category.factor for category in CATEGORIES])


def shops(draws: Draws, city: IntArray) -> IntArray:
    """A shop in each of these cities."""
    rank = SHOPS_PER_CITY * draws.uniform("shop") ** POPULARITY
    return city * SHOPS_PER_CITY + rank.astype(np.int64)


def online_shops(draws: Draws) -> IntArray:
    """An online shop for each."""
    rank = ONLINE_SHOPS * draws.uniform("online shop") ** POPULARITY
    return FIRST_ONLINE + rank.astype(np.int64)


def payees(draws: Draws) -> IntArray:
    """Somebody paid by transfer; two accounts hardly ever share one."""
    return FIRST_PAYEE + draws.whole("payee", 0, PAYEES - 1)


def is_payee(counterparty: IntArray) -> BoolArray:
    """Whether each is paid by transfer."""
    return counterparty >= FIRST_PAYEE


def is_in_city(counterparty: IntArray) -> BoolArray:
    """Whether each is a shop one walks into."""
    return counterparty < FIRST_ONLINE


def categories(counterparty: IntArray) -> IntArray:
    """Index into CATEGORIES of each counterparty."""
    draws = Draws.of(0, "category", counterparty)
    in_city = draws.pick("kind", np.array([category.weight for category in IN_CITY]))
    online = len(IN_CITY) + draws.pick("kind", np.array([category.weight for category in ONLINE]))
    shop = np.where(is_in_city(counterparty), in_city, online)
    return np.where(is_payee(counterparty), len(CATEGORIES) - 1, shop)


def factors(counterparty: IntArray) -> FloatArray:
    """Usual amount at each counterparty, in multiples of the account's own."""
    return _FACTOR[categories(counterparty)]


def countries(counterparty: IntArray, home: IntArray) -> IntArray:
    """Country of each counterparty, as index into COUNTRIES; `home` is the account's own country.

    Payees mostly live in the account's country; online shops sit anywhere, in big countries more often.
    """
    draws = Draws.of(0, "country", counterparty)
    anywhere = places.COUNTRY[draws.pick("city", places.HOMES + places.VISITS)]
    city = np.minimum(counterparty // SHOPS_PER_CITY, len(places.CITIES) - 1)
    shop = np.where(is_in_city(counterparty), places.COUNTRY[city], anywhere)
    payee = np.where(draws.happens("foreign", _FOREIGN_PAYEES), anywhere, home)
    return np.where(is_payee(counterparty), payee, shop)


def positions(counterparty: IntArray) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude of each shop in a city; NaN for the others."""
    draws = Draws.of(0, "position", counterparty)
    in_city = is_in_city(counterparty)
    city = np.where(in_city, counterparty // SHOPS_PER_CITY, 0)
    north = draws.between("north", -_SPREAD_DEGREES, _SPREAD_DEGREES)
    east = draws.between("east", -_SPREAD_DEGREES, _SPREAD_DEGREES)
    latitude = np.where(in_city, places.LATITUDE[city] + north, np.nan)
    longitude = np.where(in_city, places.LONGITUDE[city] + east, np.nan)
    return latitude, longitude
