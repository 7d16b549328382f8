"""Rules that read the server's model or examples, as usually written in NumPy.

As in `numpy_rules`: float32, not tuned, flsec's conventions. The model is the
perceptron of `aggregator_work.Server`.
"""

import sys

import numpy as np

from benchmarks import numpy_rules, reference_table
from benchmarks.aggregator_work import SERVER_LEARNING_RATE


def tensors(server, weights):
  """Splits the vector into two kernels [in, out] and two biases."""
  features, hidden, classes = server.sizes
  ends = np.cumsum([features * hidden, hidden, hidden * classes])
  first, first_bias, second, second_bias = np.split(weights, ends)
  return (
    first.reshape(features, hidden),
    first_bias,
    second.reshape(hidden, classes),
    second_bias,
  )


def evaluate(server, weights, x, y):
  """Returns the number of wrong answers and the mean cross-entropy."""
  first, first_bias, second, second_bias = tensors(server, weights)
  logits = np.maximum(x @ first + first_bias, 0) @ second + second_bias
  return (logits.argmax(axis=1) != y).sum(), _losses(logits, y).mean()


def root_update(server):
  """Returns [d], one step of gradient descent on the root examples."""
  x, y = server.root
  first, first_bias, second, second_bias = tensors(server, server.weights)
  units = np.maximum(x @ first + first_bias, 0)
  logits = units @ second + second_bias
  back = np.exp(logits - logits.max(axis=1, keepdims=True))
  back /= back.sum(axis=1, keepdims=True)
  back[np.arange(len(y)), y] -= 1
  back /= len(y)
  back_units = (back @ second.T) * (units > 0)
  gradients = (
    x.T @ back_units,
    back_units.sum(axis=0),
    units.T @ back,
    back.sum(axis=0),
  )
  gradient = np.concatenate([part.ravel() for part in gradients])
  return np.float32(-SERVER_LEARNING_RATE) * gradient


def fltrust(x, server, view=lambda rows: rows):
  """Cosines of what `view` makes of the updates, norms of the originals."""
  root = root_update(server)
  rows, point = view(x), view(root[None])[0]
  lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(point)
  trust = np.maximum(rows @ point / lengths, 0)
  norms = np.linalg.norm(x, axis=1, keepdims=True)
  scaled = x * (np.linalg.norm(root) / norms)
  return (trust[:, None] * scaled).sum(axis=0) / trust.sum()


def feder(x, server, fraction=None):
  """FedER in its first round, with all three factors."""
  clients, dimension = x.shape
  if fraction is None:
    wrong, _ = evaluate(server, server.weights, *server.validation)
    fraction = min(1 - wrong / len(server.validation[1]), 0.9)
  count = max(1, int((1 - fraction) * dimension + 0.5))
  root = root_update(server)
  root = root * largest(root[None], count)[0]
  masks = largest(x, count) & (root != 0)
  kept = x * masks
  norms = np.linalg.norm(kept, axis=1)
  lengths = norms * np.sqrt(masks @ root**2)
  trust = np.maximum(kept @ root / lengths, 0)
  means = np.abs(kept).sum(axis=1) / masks.sum(axis=1)
  scale = np.sort(means)[int(np.ceil(0.05 * clients)) - 1]
  # In the first round n2 is n1.
  factors = np.maximum(np.linalg.norm(root) / norms, scale / means)
  shares = (trust * factors / trust.sum()).astype(np.float32)
  return shares @ kept


def largest(x, count):
  """Marks the `count` entries of largest magnitude in each row."""
  magnitudes = np.abs(x)
  place = x.shape[1] - count
  least = np.partition(magnitudes, place, axis=1)[:, place]
  return magnitudes >= least[:, None]


def rejection(
  x, f, server, criteria, tied, evaluated=None, single_update=False
):
  """Rejects f clients by each criterion and averages the others.

  Args:
    x: updates [n, d].
    f: clients to reject.
    server: with validation examples.
    criteria: of 'error' and 'loss'.
    tied: an order of the clients; the first of equal ones is rejected first.
    evaluated: updates to evaluate models with; default `x`.
    single_update: whether a model has one update alone, instead of the mean of
      all others.
  """
  evaluated = x if evaluated is None else evaluated
  results = []
  for i in range(len(x)):
    if single_update:
      update = evaluated[i]
    else:
      update = np.delete(evaluated, i, axis=0).mean(axis=0)
    results.append(
      evaluate(server, server.weights + update, *server.validation)
    )
  errors, losses = np.transpose(results)
  sign = -1 if single_update else 1
  rejected = set()
  for name in criteria:
    values = sign * {'error': errors, 'loss': losses}[name]
    order = tied[np.argsort(values[tied], kind='stable')]
    rejected |= set(order[:f].tolist())
  return np.delete(x, sorted(rejected), axis=0).mean(axis=0)


def amplify(rows, server, k):
  """Takes the largest entry of each k x k patch of every kernel."""
  parts = []
  for kernel, tall, wide in _kernels(rows, server, k):
    down, across = kernel.shape[1] // tall, kernel.shape[2] // wide
    whole = kernel[:, : down * tall, : across * wide]
    patches = whole.reshape(-1, down, tall, across, wide)
    parts.append(patches.max(axis=(2, 4)).reshape(len(rows), -1))
  return np.concatenate(parts, axis=1)


def amplify_in_place(rows, server, k):
  """Keeps the largest entry of each patch, and all biases; the rest is 0."""
  result = rows.copy()
  for kernel, tall, wide in _kernels(result, server, k):
    down, across = kernel.shape[1] // tall, kernel.shape[2] // wide
    whole = kernel[:, : down * tall, : across * wide]
    patches = whole.reshape(-1, down, tall, across, wide)
    patches = patches.transpose(0, 1, 3, 2, 4)
    patches = patches.reshape(-1, down, across, tall * wide)
    places = patches.argmax(axis=3)[..., None]
    kept = np.zeros_like(patches)
    largest = np.take_along_axis(patches, places, axis=3)
    np.put_along_axis(kept, places, largest, axis=3)
    kept = kept.reshape(-1, down, across, tall, wide)
    kept = kept.transpose(0, 1, 3, 2, 4).reshape(whole.shape)
    kernel[:] = 0
    whole[:] = kept
  return result


def statistics_apart(x, f, server):
  """Krum on all but the moving statistics, whose mean is taken."""
  (span,) = server.layout.statistics
  rows = x.copy()
  rows[:, span.start : span.stop] = 0
  result = numpy_rules.krum(rows, f)
  result[span.start : span.stop] = x[:, span.start : span.stop].mean(axis=0)
  return result


def amplified_bulyan(x, f, server):
  squared = numpy_rules.distances(amplify(x, server, 3))
  chosen = numpy_rules.bulyan_rows(squared, f)
  return numpy_rules.nearest_median(x[chosen], len(chosen) - 2 * f)


def amplified_krum(x, f, server):
  squared = numpy_rules.distances(amplify(x, server, 3))
  return x[numpy_rules.krum_order(squared, f)[0]]


def amplified_cosine_density(x, f, server):
  closeness = numpy_rules.cosines(amplify(x, server, 3))
  return x[numpy_rules.densest(closeness, f)].mean(axis=0)


def _kernels(rows, server, k):
  """Yields views [n, in, out] of the two kernels, and the patch's sides."""
  features, hidden, classes = server.sizes
  second = features * hidden + hidden
  for start, tall, wide in ((0, features, hidden), (second, hidden, classes)):
    kernel = rows[:, start : start + tall * wide]
    # Splitting an axis copies nothing: what is written here is in the rows.
    yield kernel.reshape(-1, tall, wide), min(k, tall), min(k, wide)


def _losses(logits, y):
  logits = logits - logits.max(axis=1, keepdims=True)
  return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]


# By the name of the case, as `numpy_rules.NUMPY`.
NUMPY = {
  **reference_table.server_rules(sys.modules[__name__]),
  'feder': lambda x, given: feder(x, given.server),
  'feder(fraction=0.9)': lambda x, given: feder(x, given.server, 0.9),
}
