"""Blocks: pieces of the page's data, each decoded when it is first looked at.

A block is a JSON header and 16-bit numbers, gzipped and in base64:
``[length of the header: uint32][header][low bytes of all numbers][high bytes]``. The header says
what the numbers are; parting low and high bytes makes them a tenth smaller. Every browser of today
undoes gzip by itself (`DecompressionStream`), from a file as well.
"""

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
from jaxtyping import Float, UInt16

TOP = 65534
"""The largest number; one more stands for what has none (infinite deaths, missing values)."""

NONE = 65535


def block(header: Any, numbers: list[np.ndarray] | None = None) -> str:
    """A block of ``numbers``, uint16 arrays one after the other; the same gives the same bytes."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    flat = np.concatenate([np.zeros(0, dtype=np.uint16), *(one.ravel() for one in numbers or [])])
    low, high = (flat & 255).astype(np.uint8), (flat >> 8).astype(np.uint8)
    raw = np.uint32(len(text)).astype("<u4").tobytes() + text + low.tobytes() + high.tobytes()
    return base64.b64encode(gzip.compress(raw, compresslevel=9, mtime=0)).decode()


def scaled(
    values: Float[np.ndarray, "*shape"], low: float, high: float
) -> UInt16[np.ndarray, "*shape"]:
    """``values`` from ``low`` to ``high`` as 0 .. `TOP`, `NONE` where they are not finite."""
    finite = np.isfinite(values)
    width = high - low if high > low else 1.0
    share = np.clip((np.where(finite, values, low) - low) / width, 0, 1)
    return np.where(finite, np.rint(share * TOP), NONE).astype(np.uint16)


def steps(values: UInt16[np.ndarray, " n"]) -> UInt16[np.ndarray, " n"]:
    """Differences of neighbours modulo 2^16: small where values are sorted, so they pack well."""
    return np.diff(values, prepend=np.uint16(0)).astype(np.uint16)


def short(value: float, digits: int = 6) -> float | int | None:
    """A number for JSON, to ``digits`` significant digits; None where it is not finite."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def bounds(values: Float[np.ndarray, "..."]) -> tuple[float, float]:
    """Least and greatest of what is finite; 0 and 0 if nothing is."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 0.0
    return float(finite.min()), float(finite.max())
