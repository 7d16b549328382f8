"""The rules of `numpy_server_rules` as the field's torch libraries have them.

Imports torch, which flsec does not need: import this only where it is there.
AGRAMPLIFIER's code lays one matrix over the whole vector and pools biases with
the rest; here every kernel is a matrix of its own, as the paper says.
"""

import sys

import torch
from torch.nn import functional

from benchmarks import reference_table, torch_rules
from benchmarks.aggregator_work import SERVER_LEARNING_RATE


def logits(server, weights, x):
  features, hidden, classes = server.sizes
  sizes = [features * hidden, hidden, hidden * classes, classes]
  first, first_bias, second, second_bias = weights.split(sizes)
  units = x @ first.view(features, hidden) + first_bias
  return units.relu() @ second.view(hidden, classes) + second_bias


def examples(pair):
  return torch.from_numpy(pair[0]), torch.from_numpy(pair[1]).long()


def root_update(server):
  """Returns [d], one step of gradient descent on the root examples."""
  x, y = examples(server.root)
  weights = torch.tensor(server.weights, requires_grad=True)
  loss = functional.cross_entropy(logits(server, weights, x), y)
  return -SERVER_LEARNING_RATE * torch.autograd.grad(loss, weights)[0]


def fltrust(x, server, view=lambda rows: rows):
  """AGRAMPLIFIER, but with the root update's original norm (paper)."""
  root = root_update(server)
  cosines = functional.cosine_similarity(view(x), view(root[None]), eps=1e-8)
  trust = cosines.relu()
  scaled = functional.normalize(x) * root.norm()
  return (scaled.T * trust).T.sum(dim=0) / trust.sum()


def rejection(
  x, f, server, criteria, tied, evaluated=None, single_update=False
):
  """See `numpy_server_rules.rejection`; AGRAMPLIFIER has `single_update`."""
  evaluated = x if evaluated is None else evaluated
  inputs, labels = examples(server.validation)
  base = torch.from_numpy(server.weights)
  errors, losses = torch.zeros(len(x)), torch.zeros(len(x))
  for i in range(len(x)):
    update = evaluated[i]
    if not single_update:
      update = torch.cat([evaluated[:i], evaluated[i + 1 :]]).mean(dim=0)
    outputs = logits(server, base + update, inputs)
    errors[i] = (outputs.argmax(dim=1) != labels).sum()
    losses[i] = functional.cross_entropy(outputs, labels)
  is_kept = torch.ones(len(x), dtype=torch.bool)
  tied = torch.as_tensor(tied).long()
  for name in criteria:
    values = {'error': errors, 'loss': losses}[name]
    order = values[tied].argsort(descending=single_update, stable=True)
    is_kept[tied[order[:f]]] = False
  return x[is_kept].mean(dim=0)


def amplify(rows, server, k):
  """MaxPool2d over every kernel, stride k."""
  parts = [
    functional.max_pool2d(kernel, patch).flatten(start_dim=1)
    for kernel, patch in _kernels(rows, server, k)
  ]
  return torch.cat(parts, dim=1)


def amplify_in_place(rows, server, k):
  """MaxPool2d, then MaxUnpool2d; biases as they are."""
  result = rows.clone()
  for kernel, patch in _kernels(result, server, k):
    pooled, places = functional.max_pool2d(kernel, patch, return_indices=True)
    kernel[:] = functional.max_unpool2d(
      pooled, places, patch, output_size=kernel.shape
    )
  return result


def statistics_apart(x, f, server):
  """Krum on all but the moving statistics, whose mean is taken."""
  (span,) = server.layout.statistics
  rows = x.clone()
  rows[:, span.start : span.stop] = 0
  result = torch_rules.krum(rows, f)
  result[span.start : span.stop] = x[:, span.start : span.stop].mean(dim=0)
  return result


def amplified_krum(x, f, server):
  return x[torch_rules.krum_order(amplify(x, server, 3), f)[0]]


def amplified_bulyan(x, f, server):
  rows = amplify(x, server, 3)
  chosen = torch_rules.bulyan_rows(torch.cdist(rows, rows) ** 2, f)
  return torch_rules.nearest_median(x[chosen], len(chosen) - 2 * f)


def amplified_cosine_density(x, f, server):
  closeness = torch_rules.cosines(amplify(x, server, 3))
  return x[torch_rules.densest(closeness, f)].mean(dim=0)


def _kernels(rows, server, k):
  """Yields views [n, 1, in, out] of the two kernels, and the patch's sides."""
  features, hidden, classes = server.sizes
  second = features * hidden + hidden
  for start, tall, wide in ((0, features, hidden), (second, hidden, classes)):
    kernel = rows[:, start : start + tall * wide]
    yield kernel.view(-1, 1, tall, wide), (min(k, tall), min(k, wide))


# By the name of the case, as `numpy_rules.NUMPY`.
TORCH = reference_table.server_rules(sys.modules[__name__])
