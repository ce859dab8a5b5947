"""The kernels of judging: scores and strongest reasons of many transactions, one reason after the other.

All go through float64[k, n] of the k `reasons` that can count, given by their places int64[k], ascending.
"""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import PlaceArray
from fraudwatch.detection.lookup import BLOCK, count_below
from fraudwatch.records import ByteArray, FloatArray, IntArray

ANCHOR, CONTEXT, RARE_CONTEXT, SILENT = 0, 1, 2, 3
"""What a reason is to a combiner: codes of `parts` uint8[r]."""


@compiled
def judge_concordance(
    reasons: IntArray,
    values: FloatArray,
    surprises: FloatArray,
    parts: ByteArray,
    start: IntArray,
    cuts: FloatArray,
    lifts: FloatArray,
    score: FloatArray,
    strongest: PlaceArray,
) -> None:
    """The largest anchor surprise plus the lifts of all contexts; tables as in `Concordance`."""
    bands = np.empty(BLOCK, np.int64)
    anchors = np.empty(BLOCK)
    anchor_reasons = np.empty(BLOCK, np.int64)
    largest = np.empty(BLOCK)
    for begin in range(0, score.shape[0], BLOCK):
        totals = score[begin : begin + BLOCK]
        strongest_lifts = strongest[begin : begin + BLOCK]
        totals[:] = 0.0
        strongest_lifts[:] = -1
        anchors[:] = 0.0
        anchor_reasons[:] = -1
        largest[:] = 0.0
        for place in range(reasons.shape[0]):
            reason = reasons[place]
            own_surprises = surprises[place, begin : begin + BLOCK]
            if parts[reason] == ANCHOR:
                _largest_so_far(own_surprises, reason, anchors, anchor_reasons)
                continue
            own_values = values[place, begin : begin + BLOCK]
            own_cuts = cuts[start[reason] : start[reason + 1]]
            own_lifts = lifts[start[reason] + reason : start[reason + 1] + reason + 1]
            if parts[reason] == RARE_CONTEXT:
                _bands_of_categories(own_values, own_cuts, bands)
            else:
                count_below(own_cuts, 0, own_cuts.shape[0], own_surprises, bands)
            for row in range(totals.shape[0]):
                lift = 0.0 if np.isnan(own_values[row]) else own_lifts[np.uint64(bands[row])]
                totals[row] += lift
                strongest_lifts[row] = reason if lift > largest[row] else strongest_lifts[row]
                largest[row] = max(lift, largest[row])
        for row in range(totals.shape[0]):
            totals[row] += anchors[row]
            # Of equal contributions the first reason's is the strongest.
            is_first = anchors[row] == largest[row] and anchor_reasons[row] < strongest_lifts[row]
            if anchors[row] > largest[row] or is_first:
                strongest_lifts[row] = anchor_reasons[row]


@compiled
def count_bands(
    reasons: IntArray,
    values: FloatArray,
    surprises: FloatArray,
    parts: ByteArray,
    start: IntArray,
    cuts: FloatArray,
    threshold: float,
    counts: IntArray,
) -> None:
    """Adds to counts int64[2, b + 1] how many transactions lie in each band, and how many of them are hits.

    A hit is one whose largest anchor surprise is above the threshold; last are all of them.
    """
    bands = np.empty(BLOCK, np.int64)
    anchors = np.empty(BLOCK)
    anchor_reasons = np.empty(BLOCK, np.int64)
    for begin in range(0, values.shape[1], BLOCK):
        rows = min(BLOCK, values.shape[1] - begin)
        anchors[:] = 0.0
        for place in range(reasons.shape[0]):
            if parts[reasons[place]] == ANCHOR:
                own_surprises = surprises[place, begin : begin + BLOCK]
                _largest_so_far(own_surprises, reasons[place], anchors, anchor_reasons)
        counts[0, -1] += rows
        for row in range(rows):
            counts[1, -1] += anchors[row] > threshold
        for place in range(reasons.shape[0]):
            reason = reasons[place]
            if parts[reason] == ANCHOR:
                continue
            own_values = values[place, begin : begin + BLOCK]
            own_surprises = surprises[place, begin : begin + BLOCK]
            own_cuts = cuts[start[reason] : start[reason + 1]]
            first = start[reason] + reason
            if parts[reason] == RARE_CONTEXT:
                _bands_of_categories(own_values, own_cuts, bands)
            else:
                count_below(own_cuts, 0, own_cuts.shape[0], own_surprises, bands)
            for row in range(rows):
                if not np.isnan(own_values[row]):
                    counts[0, first + bands[row]] += 1
                    counts[1, first + bands[row]] += anchors[row] > threshold


@compiled
def judge_largest(
    reasons: IntArray, surprises: FloatArray, taken: int, score: FloatArray, strongest: PlaceArray
) -> None:
    """The largest surprise, or with `taken` 2 the sum of the two largest."""
    for row in range(surprises.shape[1]):
        first = 0.0
        second = 0.0
        strongest[row] = -1
        for place in range(reasons.shape[0]):
            surprise = surprises[place, row]
            if surprise > first:
                second = first
                first = surprise
                strongest[row] = reasons[place]
            elif surprise > second:
                second = surprise
        score[row] = first + second if taken == 2 else first


@compiled
def _largest_so_far(surprises: FloatArray, reason: int, largest: FloatArray, reasons: IntArray) -> None:
    for row in range(surprises.shape[0]):
        reasons[row] = reason if surprises[row] > largest[row] else reasons[row]
        largest[row] = max(surprises[row], largest[row])


@compiled
def _bands_of_categories(values: FloatArray, categories: FloatArray, bands: IntArray) -> None:
    """The place of each value among the categories; one past the last for any other."""
    count_below(categories, 0, categories.shape[0], values, bands)
    if categories.shape[0] == 0:
        return
    for row in range(values.shape[0]):
        place = min(bands[row], categories.shape[0] - 1)
        bands[row] = place if categories[np.uint64(place)] == values[row] else categories.shape[0]
