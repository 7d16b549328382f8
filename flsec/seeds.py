"""Named streams of randomness, all from one root seed.

Every draw of a run hashes (root seed, stream name, indices) here; inside graphs
`flsec.federated.seed_folding` folds in the round and the step. So a result
depends on no order of threads, workers or runtimes.
"""

import hashlib
from typing import Union

import numpy as np


def stream(seed: int, *names: Union[str, int]) -> np.ndarray:
  """Returns the int64 [2] seed of a named stream; streams do not overlap.

  Args:
    seed: the experiment's root seed, at least 0.
    *names: words and numbers that name the use, e.g. 'client', 12.

  Raises:
    ValueError: if the seed or a number of the stream is negative.
  """
  if any(not isinstance(part, str) and part < 0 for part in (seed, *names)):
    raise ValueError(
      f'A seed must be at least 0; got seed={seed}, stream={names}.'
    )
  text = '/'.join(map(str, (seed, *names)))
  digest = hashlib.sha256(text.encode()).digest()
  return np.frombuffer(digest[:16], dtype='<i8').copy()


def generator(seed: int, *names: Union[str, int]) -> np.random.Generator:
  """Returns the NumPy generator of a named stream: see `stream`."""
  words = stream(seed, *names).view('<u8')
  return np.random.default_rng(np.random.SeedSequence(list(map(int, words))))
