"""Random generators for named streams of one root seed."""

import zlib
from typing import Union

import numpy as np


def generator(seed: int, *stream: Union[str, int]) -> np.random.Generator:
  """Returns the generator of a named stream; streams do not overlap.

  Args:
    seed: the root seed, at least 0.
    *stream: words and numbers that name the use, e.g. 'selection', 12.

  Raises:
    ValueError: if the seed or a number of the stream is negative.
  """
  words = [
    zlib.crc32(part.encode()) if isinstance(part, str) else int(part)
    for part in stream
  ]
  if min([int(seed), *words]) < 0:
    raise ValueError(
      f'A seed must be at least 0; got seed={seed}, stream={stream}.'
    )
  return np.random.default_rng(np.random.SeedSequence([int(seed), *words]))
