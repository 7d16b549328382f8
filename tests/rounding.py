"""What float32 arithmetic may round, in whatever order a CPU adds.

CPUs differ in how many terms they add at once, and whether a product is
rounded before it is added: the last digits of a sum are no property of the
program. So tests compare with a float64 reference, within a bound that follows
from the sums: `n` terms in float32, in any order, are off by at most
`n u sum |terms|`, `u = 2^-24`, to first order (Higham 2002, section 4.2).
Roundings are not all of one sign: with a chance below 10^-12 they pass
`8 sqrt(n) u sum |terms|` (Higham and Mary 2019, theorem 2.4), which is less
from 64 terms on.
"""

import math

import numpy as np

# Of float32: half the distance from 1 to the next number.
UNIT = 2.0**-24


def bound(terms: np.ndarray, *, length: float) -> np.ndarray:
  """Returns how far float32 sums may be from the exact ones.

  Args:
    terms: the sum of the absolute terms of each sum, any shape.
    length: how many roundings a term goes through at most: the number of terms,
      and of operations before and after the sum.

  Returns:
    float64, of the shape of `terms`.
  """
  roundings = min(length, 8 * math.sqrt(length)) * UNIT
  smallest = length * np.finfo(np.float32).tiny  # What underflows is lost.
  return np.asarray(terms, np.float64) * roundings + smallest


def assert_close(
  found: np.ndarray, exact: np.ndarray, *, terms: np.ndarray, length: float
) -> None:
  """Fails where a float32 result is farther from the exact one than it may be.

  Args:
    found: what was computed in float32, of the shape of `exact`.
    exact: the same in float64, from the same float32 numbers.
    terms, length: as in `bound`; `terms` broadcasts to `exact`.
  """
  assert_within(found, exact, bound(terms, length=length))


def assert_within(
  found: np.ndarray, exact: np.ndarray, allowed: np.ndarray
) -> None:
  """Fails where `found` is farther from `exact` than `allowed`, or no number.

  Args:
    found, exact: of one shape.
    allowed: at least 0; broadcasts to them.
  """
  found, exact = np.asarray(found, np.float64), np.asarray(exact, np.float64)
  assert found.shape == exact.shape, (found.shape, exact.shape)
  allowed = np.broadcast_to(allowed, exact.shape)
  errors = np.abs(found - exact)
  wrong = ~(errors <= allowed)  # NaN is wrong.
  if wrong.any():
    place = np.unravel_index(np.argmax(wrong * errors), errors.shape)
    raise AssertionError(
      f'{wrong.sum()} of {wrong.size} numbers are farther from float64 than '
      f'rounding explains; at {place} {found[place]!r} instead of '
      f'{exact[place]!r}: off by {errors[place]:.3g}, allowed '
      f'{allowed[place]:.3g}.'
    )
