"""Where accounts live and travel to: a small table of real cities."""

from typing import NamedTuple

import numpy as np


class City(NamedTuple):
    """A place. `homes` weighs how many accounts live there, `visits` how often others travel there."""

    name: str
    country: str
    latitude: float
    longitude: float
    utc_offset: int  # hours, winter time; summer time is left out
    homes: float
    visits: float


CITIES = (
    City("Paris", "FR", 48.857, 2.352, 1, 12.0, 6.0),
    City("Lyon", "FR", 45.764, 4.836, 1, 6.0, 2.0),
    City("Marseille", "FR", 43.296, 5.370, 1, 5.0, 3.0),
    City("Toulouse", "FR", 43.605, 1.444, 1, 4.0, 1.5),
    City("Lille", "FR", 50.629, 3.057, 1, 4.0, 1.0),
    City("Bordeaux", "FR", 44.838, -0.579, 1, 4.0, 2.0),
    City("Nantes", "FR", 47.218, -1.554, 1, 3.0, 1.0),
    City("Strasbourg", "FR", 48.573, 7.752, 1, 3.0, 1.0),
    City("Brussels", "BE", 50.850, 4.352, 1, 5.0, 2.0),
    City("Luxembourg", "LU", 49.612, 6.130, 1, 2.0, 0.5),
    City("Berlin", "DE", 52.520, 13.405, 1, 5.0, 2.0),
    City("Munich", "DE", 48.137, 11.575, 1, 3.0, 1.5),
    City("Madrid", "ES", 40.417, -3.704, 1, 4.0, 3.0),
    City("Barcelona", "ES", 41.387, 2.170, 1, 3.0, 4.0),
    City("Rome", "IT", 41.903, 12.496, 1, 3.0, 3.5),
    City("Milan", "IT", 45.464, 9.190, 1, 3.0, 2.0),
    City("Amsterdam", "NL", 52.368, 4.904, 1, 3.0, 2.0),
    City("Lisbon", "PT", 38.722, -9.139, 0, 3.0, 3.0),
    City("Dublin", "IE", 53.349, -6.260, 0, 2.0, 1.0),
    City("Vienna", "AT", 48.208, 16.373, 1, 2.0, 1.5),
    City("London", "GB", 51.507, -0.128, 0, 0.5, 4.0),
    City("Geneva", "CH", 46.204, 6.143, 1, 0.5, 1.0),
    City("Marrakesh", "MA", 31.629, -7.981, 1, 0.2, 1.5),
    City("New York", "US", 40.713, -74.006, -5, 0.2, 1.5),
    City("Bangkok", "TH", 13.756, 100.502, 7, 0.1, 0.7),
    City("Istanbul", "TR", 41.008, 28.978, 3, 0.2, 1.2),
)
COUNTRIES = tuple(sorted({city.country for city in CITIES}))

COUNTRY = np.array([COUNTRIES.index(city.country) for city in CITIES], dtype=np.int64)
LATITUDE = np.array([city.latitude for city in CITIES])
LONGITUDE = np.array([city.longitude for city in CITIES])
UTC_OFFSET = np.array([city.utc_offset for city in CITIES], dtype=np.float64)
HOMES = np.array([city.homes for city in CITIES])
VISITS = np.array([city.visits for city in CITIES])
OFFICES = np.array([city.name in {"Paris", "Luxembourg", "Dublin", "Amsterdam"} for city in CITIES]) * 1.0
"""Where the head offices sit whose place stands on what is bought elsewhere."""
