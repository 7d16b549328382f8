"""Which reference belongs to which case: one table for NumPy and for torch.

Both name their functions alike; where one of them is called in another way, it
says so beside its rules.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Callable

# (updates [n, d], `aggregator_work.Given`) -> [d]
Reference = Callable[[Any, Any], Any]


def plain_rules(library: ModuleType) -> Mapping[str, Reference]:
  """Returns the references of the rules that see the updates alone.

  Args:
    library: `numpy_rules` or `torch_rules`.
  """
  with_f = {
    'trimmed_mean': library.trimmed_mean,
    'krum': library.krum,
    'multi_krum': library.multi_krum,
    'bulyan': library.bulyan,
    'merged_density': library.merged_density,
    'minimum_diameter': library.minimum_diameter,
  }
  gas = {
    f'gas({base})': _gas(library.gas, getattr(library, f'gas_{base}'))
    for base in ('krum', 'bulyan')
  }
  return {
    **{name: _with_f(rule) for name, rule in with_f.items()},
    **gas,
    'mean': lambda x, given: x.mean(0),
    'geometric_median': lambda x, given: library.geometric_median(x),
    'cosine_density': lambda x, given: x[
      library.densest(library.cosines(x), given.f)
    ].mean(0),
    'mean_around_median': lambda x, given: library.nearest_median(
      x, len(x) - given.f
    ),
    'dnc': lambda x, given: library.dnc(
      x, given.f, given.shape.num_coordinates, given.draw
    ),
    'foolsgold': lambda x, given: library.foolsgold(x),
    'nearest_neighbor_mixing > trimmed_mean': lambda x, given: (
      library.trimmed_mean(library.mix_neighbors(x, given.f), given.f)
    ),
    'bucketing > trimmed_mean': lambda x, given: library.trimmed_mean(
      library.buckets(x, 2, given.draw), given.f
    ),
  }


def server_rules(library: ModuleType) -> Mapping[str, Reference]:
  """Returns the references of the rules that read what the server owns.

  Args:
    library: `numpy_server_rules` or `torch_server_rules`.
  """
  with_server = {
    'mean_statistics(krum)': library.statistics_apart,
    'amplified(krum)': library.amplified_krum,
    'amplified(bulyan)': library.amplified_bulyan,
    'amplified(cosine_density)': library.amplified_cosine_density,
  }

  def rejecting(*criteria: str, **options: Any) -> Reference:
    return lambda x, given: library.rejection(
      x, given.f, given.server, criteria, given.draw(len(x)), **options
    )

  return {
    **{name: _with_server(rule) for name, rule in with_server.items()},
    'fltrust': lambda x, given: library.fltrust(x, given.server),
    'error_rate_rejection(mean)': rejecting('error'),
    'loss_rejection(mean)': rejecting('loss'),
    'union_rejection(mean)': rejecting('error', 'loss'),
    'union_rejection(mean, single_update)': rejecting(
      'error', 'loss', single_update=True
    ),
    'amplified(fltrust)': lambda x, given: library.fltrust(
      x, given.server, lambda rows: library.amplify(rows, given.server, 2)
    ),
    'amplified(loss_rejection)': lambda x, given: library.rejection(
      x,
      given.f,
      given.server,
      ['loss'],
      given.draw(len(x)),
      evaluated=library.amplify_in_place(x, given.server, 2),
    ),
  }


def _with_f(rule: Callable[..., Any]) -> Reference:
  return lambda x, given: rule(x, given.f)


def _with_server(rule: Callable[..., Any]) -> Reference:
  return lambda x, given: rule(x, given.f, given.server)


def _gas(gas: Callable[..., Any], base: Callable[..., Any]) -> Reference:
  return lambda x, given: gas(
    x, given.f, given.shape.num_groups, base, given.draw
  )
