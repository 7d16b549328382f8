"""How heterogeneous a data set or a federation is."""

import numpy as np

_CHUNK = 4096  # Rows turned into float64 at a time.


def intra_label_cosine(
  x: np.ndarray,
  y: np.ndarray,
  *,
  scale: float = 1.0,
  shift: float = 0.0,
) -> float:
  """Returns the mean cosine between examples of the same label.

      H = 1 / E * sum_e || sum_{i in e} xhat_i ||^2 / n_e^2,
      xhat_i = x_i / ||x_i||

  over the E labels that occur, with n_e examples each: the mean over all
  ordered pairs of a label, an example with itself among them. 1 means that
  all examples of a label point the same way; the lower, the more
  heterogeneous. An all-zero example has no direction and is left out. The
  equation printed in the paper leaves the pairing open; this reading is ours.

  Args:
    x: examples [M, ...], as stored.
    y: labels [M].
    scale: the model's input is x * scale + shift, and so is the metric's.
    shift: see scale.

  Returns:
    H, from 0 to 1 for inputs of one sign.

  Raises:
    ValueError: if no example is left.

  References:
    "Better Together: Attaining the Triad of Byzantine-robust Federated
    Learning via Local Update Amplification" (AGRAMPLIFIER), section 7.1,
    eq. 4.
  """
  names, classes = np.unique(np.asarray(y), return_inverse=True)
  rows = np.asarray(x).reshape(len(classes), -1)
  sums = np.zeros((len(names), rows.shape[1]))
  counts = np.zeros(len(names))
  for start in range(0, len(rows), _CHUNK):
    chunk = rows[start : start + _CHUNK].astype(np.float64) * scale + shift
    norms = np.sqrt(np.einsum('ij,ij->i', chunk, chunk))
    kept = np.flatnonzero(norms)
    labels = classes[start : start + _CHUNK][kept]
    one_hot = np.zeros((len(names), len(kept)))
    one_hot[labels, np.arange(len(kept))] = 1.0 / norms[kept]
    sums += one_hot @ chunk[kept]
    counts += np.bincount(labels, minlength=len(names))
  used = counts > 0
  if not used.any():
    raise ValueError(
      'Intra-label cosine needs at least one example that is not all zero; '
      f'got {len(classes)} examples.'
    )
  squared = np.einsum('ij,ij->i', sums, sums)[used]
  return float(np.mean(squared / counts[used] ** 2))


def label_distance(counts: np.ndarray) -> float:
  """Returns how far clients' labels are from those of all, on average.

      1 / N * sum_i 1/2 sum_c | p_ic - p_c |

  p_ic is class c's share of client i's examples, p_c its share of all; clients
  without examples are left out. 0: all clients have the same shares; 1 - 1/C:
  each has one class, all of C classes being as frequent.

  Args:
    counts: int [N, C], each client's examples of each class.

  Raises:
    ValueError: nobody has an example.

  References:
    Zhao et al., "Federated learning with non-IID data", 2018, section 3.2,
    whose earth mover's distance of labels is twice this one.
  """
  counts = np.asarray(counts, np.float64)
  sizes = counts.sum(axis=1)
  if not sizes.any():
    raise ValueError(
      f'A distance of labels needs examples; the {len(counts)} clients have '
      'none.'
    )
  shares = counts[sizes > 0] / sizes[sizes > 0, np.newaxis]
  whole = counts.sum(axis=0) / sizes.sum()
  return float(np.mean(0.5 * np.abs(shares - whole).sum(axis=1)))


def label_distribution(
  y: np.ndarray, offsets: np.ndarray, num_classes: int
) -> np.ndarray:
  """Counts each client's examples of each class.

  Args:
    y: labels of all clients [M], sorted by client (Federation.y).
    offsets: client i owns [offsets[i], offsets[i + 1]), int64 [N + 1].
    num_classes: C; labels run from 0 to C - 1.

  Returns:
    int64 [N, C].

  Raises:
    ValueError: a label out of range, or offsets that do not span y.
  """
  y, offsets = np.asarray(y, np.int64), np.asarray(offsets, np.int64)
  sizes = np.diff(offsets)
  if offsets[0] != 0 or offsets[-1] != len(y) or (sizes < 0).any():
    raise ValueError(
      f'offsets must rise from 0 to the {len(y)} labels; got '
      f'{offsets[0]} to {offsets[-1]}.'
    )
  if len(y) and not (y.min() >= 0 and y.max() < num_classes):
    raise ValueError(
      f'Labels must be in 0 to {num_classes - 1}; got {y.min()} to {y.max()}.'
    )
  clients = np.repeat(np.arange(len(sizes)), sizes)
  cells = np.bincount(
    clients * num_classes + y, minlength=len(sizes) * num_classes
  )
  return cells.reshape(len(sizes), num_classes)
