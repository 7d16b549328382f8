"""How much a client sends and receives in a round."""

from typing import Optional

BITS_A_VALUE = 32
BITS_A_MIB = 8 * 2**20


def message_mib(dimension: int, entries: Optional[float] = None) -> float:
  """Returns the size of one update on its way, in MiB (2^20 bytes).

  Args:
    dimension: d, entries of the weight vector.
    entries: how many of them are sent, each as 32 bits beside a mask of one bit
      for each of the d; None: all of them, with no mask.

  Raises:
    ValueError: if a number is out of bounds.
  """
  if dimension < 1:
    raise ValueError(f'dimension must be at least 1; got {dimension}.')
  if entries is None:
    return BITS_A_VALUE * dimension / BITS_A_MIB
  if not 0 <= entries <= dimension:
    raise ValueError(
      f'entries must be from 0 to dimension, {dimension}; got {entries}.'
    )
  return (BITS_A_VALUE * entries + dimension) / BITS_A_MIB


def round_volume_mib(
  dimension: int, keep_fraction: Optional[float] = None
) -> float:
  """Returns what one client sends and receives in one round, in MiB (2^20).

  Without pruning 2 * 32 d bits: d float32 values each way. With a kept share q
  = 1 - p, 2 * (32 q d + d) bits: the kept values and a mask of one bit a value.
  This is the paper's count: both ways alike, and q d values of which some may
  be zero.

  Args:
    dimension: d, entries of the weight vector.
    keep_fraction: q, in [0, 1]; None: nothing is pruned and no mask is sent.

  Raises:
    ValueError: if a number is out of bounds.

  References:
    Jiang et al. FedER. 2023, section 3.1 (bits a parameter) and appendix E.3
    (critical volume); its Tables 1 and 3 are this count, for a client.
  """
  if keep_fraction is None:
    return 2 * message_mib(dimension)
  if not 0 <= keep_fraction <= 1:
    raise ValueError(f'keep_fraction must be in [0, 1]; got {keep_fraction}.')
  return 2 * message_mib(dimension, keep_fraction * dimension)
