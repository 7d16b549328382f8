"""What a malicious client, or a broken one, may send to a server."""

import numpy as np

_LARGEST = np.finfo(np.float32).max
_SMALLEST = np.float32(1e-45)
NUM_CLIENTS = 8


def _last(value):
  """Replaces the last row."""

  def change(rows):
    rows[-1] = value
    return rows

  return change


def _all(value):
  def change(rows):
    rows[:] = value
    return rows

  return change


def _one_entry(value):
  def change(rows):
    rows[-1, 3] = value
    return rows

  return change


def _mixed(rows):
  rows[-1] = _LARGEST * np.where(np.arange(rows.shape[1]) % 2, 1, -1)
  return rows


def _two_sides(rows):
  rows[-1], rows[-2] = _LARGEST, -_LARGEST
  return rows


def _equal(rows):
  rows[:] = rows[0]
  return rows


def _opposite(rows):
  """Makes rows that cancel each other, to the last bit."""
  rows[1::2] = -rows[: len(rows) // 2 * 2 : 2]
  return rows


def _but_one(rows):
  rows[1:] = np.nan
  return rows


HOSTILE = {
  'a row of NaN': _last(np.nan),
  'a row of infinity': _last(np.inf),
  'one entry of minus infinity': _one_entry(-np.inf),
  'one entry of 3.4e38': _one_entry(_LARGEST),
  'a row at 1e30': _last(1e30),
  'a row at 3.4e38': _last(_LARGEST),
  'a row at 3.4e38, signs mixed': _mixed,
  'rows at 3.4e38 and -3.4e38': _two_sides,
  'all rows at 3.4e38': _all(_LARGEST),
  'all rows at 1e-45': _all(_SMALLEST),
  'all rows zero': _all(0.0),
  'all rows equal': _equal,
  'rows that cancel out': _opposite,
  'all rows of NaN but one': _but_one,
  'all rows of NaN': _all(np.nan),
}


def stack(name, dimension, seed=0):
  """Returns float32 [NUM_CLIENTS, dimension]: benign rows, and the hostile."""
  rng = np.random.default_rng(seed)
  common = rng.standard_normal(dimension)
  rows = common + 0.5 * rng.standard_normal((NUM_CLIENTS, dimension))
  return HOSTILE[name](rows.astype(np.float32))
