"""Where an account was before: the distance to its previous transaction with a place."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NEVER, Element, State
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.event import HAS_PLACE, Event
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

PLACE_DISTANCE, PLACE_GAP = Column.PLACE_DISTANCE.value, Column.PLACE_GAP.value

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""
RADIANS = math.pi / 180e6
"""One millionth of a degree, 11 cm on a meridian."""


@borrowing
def kilometres(latitude: int, longitude: int, other_latitude: int, other_longitude: int) -> float:
    """Great-circle distance of two places in millionths of a degree, by the haversine formula (Sinnott 1984).

    On a sphere: up to 0.6 % off the distance on the ellipsoid.
    """
    north = math.sin((other_latitude - latitude) * RADIANS / 2)
    east = math.sin((other_longitude - longitude) * RADIANS / 2)
    half = north * north + math.cos(latitude * RADIANS) * math.cos(other_latitude * RADIANS) * east * east
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


@borrowing
def write_place(state: State, account: Element, event: Event, number: int, row: FloatArray) -> None:
    """Distance and time from the previous place: the transaction with this logical number, kept or let go of."""
    if not event.bits & HAS_PLACE:
        return
    latitude, longitude = wide(account.gone_latitude), wide(account.gone_longitude)
    time = account.gone_place_time
    if number >= account.begin:
        at = place_of(account, number)
        latitude, longitude = wide(state.places[at].latitude), wide(state.places[at].longitude)
        time = time_in(state.events[at])
    if time > NEVER:
        row[PLACE_DISTANCE] = kilometres(latitude, longitude, event.latitude, event.longitude)
        row[PLACE_GAP] = event.time - time


@borrowing
def place_before(state: State, account: Element, position: int) -> int:
    """Logical number of the last kept transaction with a place before a position, or one no longer kept."""
    if account.place < position:
        return wide(account.place)
    number, begin = position - 1, wide(account.begin)
    while number >= begin and not bits_in(state.events[place_of(account, number)]) & HAS_PLACE:
        number -= 1
    return number


@borrowing
def follow_place(account: Element, event: Event, position: int) -> None:
    """A transaction was put at a position: the newest place may have moved up, or be the new one."""
    if account.place >= position:
        account.place += 1
    elif event.bits & HAS_PLACE:
        account.place = position


@borrowing
def keep_gone_place(state: State, account: Element, at: int) -> None:
    """The place of a transaction that is let go of, by where it stands in the pool."""
    if bits_in(state.events[at]) & HAS_PLACE:
        account.gone_latitude = state.places[at].latitude
        account.gone_longitude = state.places[at].longitude
        account.gone_place_time = time_in(state.events[at])
