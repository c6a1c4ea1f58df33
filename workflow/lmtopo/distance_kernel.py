"""Compiled passes over distances: from points, and a check of a matrix that is given."""

# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np

from lmtopo.compiled import compiled

TILE = 4
"""Points against points that are taken together: their coordinates are read once for all."""
SAME_DIRECTION = 1e-30
"""Parallel vectors of different length differ by rounding after normalisation."""


@compiled(fastmath={"reassoc", "contract", "nsz"})
def measure(x, chord, tile, d):
    """Fill ``d[i, j]`` with |x_i - x_j|, or without ``chord`` with half its square; in float64,
    from differences of coordinates, and then rounded to float32.

    ``x``: points as rows, the last repeated to a multiple of `TILE`; ``tile``: room for TILE^2.
    """
    n, (rows, width) = len(d), x.shape
    for i in range(0, rows, TILE):
        for j in range(i, rows, TILE):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = 0.0
            for k in range(width):
                p, q, r, s = x[i, k], x[i + 1, k], x[i + 2, k], x[i + 3, k]
                t, u, v, w = x[j, k], x[j + 1, k], x[j + 2, k], x[j + 3, k]
                a0 += (p - t) * (p - t)
                a1 += (p - u) * (p - u)
                a2 += (p - v) * (p - v)
                a3 += (p - w) * (p - w)
                b0 += (q - t) * (q - t)
                b1 += (q - u) * (q - u)
                b2 += (q - v) * (q - v)
                b3 += (q - w) * (q - w)
                c0 += (r - t) * (r - t)
                c1 += (r - u) * (r - u)
                c2 += (r - v) * (r - v)
                c3 += (r - w) * (r - w)
                d0 += (s - t) * (s - t)
                d1 += (s - u) * (s - u)
                d2 += (s - v) * (s - v)
                d3 += (s - w) * (s - w)
            tile[0], tile[1], tile[2], tile[3] = a0, a1, a2, a3
            tile[4], tile[5], tile[6], tile[7] = b0, b1, b2, b3
            tile[8], tile[9], tile[10], tile[11] = c0, c1, c2, c3
            tile[12], tile[13], tile[14], tile[15] = d0, d1, d2, d3
            for place in range(TILE * TILE):
                one, other = i + place // TILE, j + place % TILE
                if one < n and other < n:
                    square = tile[place]
                    if chord:
                        value = math.sqrt(square)
                    else:
                        value = square / 2 if square >= 2 * SAME_DIRECTION else 0.0
                    d[one, other] = d[other, one] = np.float32(value)


@compiled
def tree_lengths(d, order, reached, sizes, means):
    """Fill ``means`` with the mean total length of the minimum spanning trees of as many samples of
    each of ``sizes`` as there are in a row in ``order``.

    ``d``: lengths between all points; ``reached``: room for a length per point.
    """
    for at in range(len(sizes)):
        size = sizes[at]
        parts, total = len(order) // size, 0.0
        for part in range(parts):
            total += tree_length(d, order, part * size, size, reached)
        means[at] = total / parts


@compiled
def tree_length(d, order, first, n, reached):
    """Total length of the minimum spanning tree of ``n`` points in a row in ``order`` (Prim's
    algorithm)."""
    total, current = 0.0, 0
    for place in range(n):
        reached[place] = np.inf
    for _ in range(n - 1):
        reached[current] = -1.0
        nearest = -1
        for place in range(n):
            if reached[place] >= 0:
                length = d[order[first + current], order[first + place]]
                if length < reached[place]:
                    reached[place] = length
                if nearest < 0 or reached[place] < reached[nearest]:
                    nearest = place
        total += reached[nearest]
        current = nearest
    return total


@compiled
def likeliest_dimensions(neighbours, scales, logs, found):
    """Fill ``found`` with the d of the greatest likelihood at each of ``scales`` (n1), NaN if all
    ratios are 1: see `intrinsic_dimension.gride_at`.

    ``neighbours``: a row per point, lengths to its neighbours; ``logs``: room for one per point.
    """
    n = len(neighbours)
    for at in range(len(scales)):
        n1 = scales[at]
        total, ties = 0.0, True
        for i in range(n):
            log = math.log(neighbours[i, 2 * n1 - 1] / neighbours[i, n1 - 1])
            ties = ties and log <= 0
            logs[i] = max(log, 1e-12)  # at a single tie ln m / (1 - m^-d) is its limit, 1 / d
            total += logs[i]
        found[at] = np.nan
        if ties:
            continue
        d = 2 * n1 / ((3 * n1 - 1) * total / n)
        for _ in range(50):
            terms = squares = 0.0
            for i in range(n):
                rest = -math.expm1(-d * logs[i])
                term = logs[i] / rest
                terms += term
                squares += term * term * (1 - rest)
            g = 1 / d + ((n1 - 1) * terms - (2 * n1 - 1) * total) / n
            fall = 1 / (d * d) + (n1 - 1) * squares / n
            d += g / fall
            if g / fall <= 1e-6 * d:  # as steps converge quadratically, 1e-12 is left
                break
        found[at] = d


@compiled(fastmath={"reassoc", "nsz"})
def examine(d):
    """One pass over a matrix: the sum, least and largest of its entries, the largest
    |d[i, j] - d[j, i]|, and where that is: i * n + j."""
    n, total, gap, where = len(d), 0.0, 0.0, 0
    least = most = np.float64(d[0, 0])
    for first in range(0, n, 32):
        for second in range(first, n, 32):
            for i in range(first, min(first + 32, n)):
                for j in range(max(second, i), min(second + 32, n)):
                    one, other = np.float64(d[i, j]), np.float64(d[j, i])
                    total += one + other
                    least, most = min(least, one, other), max(most, one, other)
                    if abs(one - other) > gap:
                        gap, where = abs(one - other), i * n + j
    return total, least, most, gap, where


@compiled
def radius(lengths):
    """The least over rows of their largest entry. ``lengths``: the bits of floats that are not
    negative, as int32, which are in the same order and compared many at once."""
    found = np.int32(0x7FFFFFFF)
    for i in range(len(lengths)):
        most = np.int32(0)
        for j in range(len(lengths)):
            most = max(most, lengths[i, j])
        found = min(found, most)
    return found
