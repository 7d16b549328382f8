"""One benchmark case or more for every registered rule and pre-aggregator."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Callable, Optional

import tensorflow as tf

from benchmarks import numpy_rules, numpy_server_rules
from benchmarks.aggregator_work import SEED, Server, Shape, with_statistics
from flsec import aggregators, registry
from flsec.aggregators import minimum_diameter, screening
from flsec.aggregators.preaggregator import compose
from flsec.aggregators.rule import Rule, ServerContext, State

NUMPY = {**numpy_rules.NUMPY, **numpy_server_rules.NUMPY}
Options = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Case:
  """A rule to measure.

  Attributes:
    name: unique; of the row, and of the references.
    rule: the registered name.
    options: the rule's own, from the shape of the updates.
    stage: a pre-aggregator in front of it, and its options; or None.
    limit: the most it may take on 2 cores at [80, 1e6]: 's' or 'Gram' and how
      many; 'third' is a third of NumPy's time, at least 0.2 s; None: no limit.
    needs_server: whether it reads the server's model or examples.
    edit_server: what the server is replaced by.
    most_clients: of the table; None takes all.
    largest_f: n -> the largest f that the rule can do.
    kept_stacks: what its state holds from round to round, in stacks, which its
      limit of memory allows on top.
  """

  name: str
  rule: str
  options: Callable[[Shape], Options] = lambda shape: {}
  stage: Optional[tuple[str, Callable[[Shape], Options]]] = None
  limit: Optional[tuple[float, str]] = None
  needs_server: bool = False
  edit_server: Callable[[Server], Server] = lambda server: server
  most_clients: Optional[int] = None
  largest_f: Callable[[int], int] = lambda clients: clients
  kept_stacks: int = 0

  def shape(self, clients: int, dimension: int) -> Shape:
    """Returns what the rule is given of n clients, a fifth malicious."""
    return Shape(clients, dimension, min(clients // 5, self.largest_f(clients)))

  def build(self, shape: Shape) -> Rule:
    """Builds the rule as a round has it: screened, composed."""
    built = aggregators.build(self.rule, **self.options(shape))
    if self.stage is None:
      return built
    name, options = self.stage
    stage = registry.build('preaggregator', name, **options(shape))
    return screening.screened(compose([stage], built))

  def server(self, server: Optional[Server]) -> Optional[Server]:
    """Returns the server as this rule sees it; None where it sees none."""
    return self.edit_server(server) if self.needs_server else None

  def start(
    self, shape: Shape, server: Optional[Server] = None
  ) -> tuple[Callable[[], State], Callable[..., tuple[State, tf.Tensor]]]:
    """Returns `() -> state` and, as a graph, `(state, updates) -> both new`.

    Args:
      shape: of the updates.
      server: for rules that need one.
    """
    rule = self.build(shape)
    seen = self.server(server)
    context = seen.context if seen else ServerContext(seed=tf.constant(SEED))
    # In a round the clients' threads tell which rows are finite.
    is_finite = tf.ones([shape.clients], tf.bool)
    context = dataclasses.replace(context, is_finite=is_finite)
    weights = tf.ones([shape.clients])

    def step(state, updates):
      return rule.next(state, updates, weights, context)[:2]

    def initialize():
      return rule.initialize(shape.dimension)

    graph = tf.function(step, autograph=False).get_concrete_function(
      tf.nest.map_structure(tf.type_spec_from_value, initialize()),
      tf.TensorSpec([shape.clients, shape.dimension]),
    )
    return initialize, graph


def _with_f(shape: Shape) -> Options:
  return {'num_byzantine': shape.num_byzantine}


def _inside(name: str, *, has_f: bool = True) -> Callable[[Shape], Options]:
  def options(shape):
    more = _with_f(shape) if has_f else {}
    return {'rule': aggregators.build(name, **more)}

  return options


def _rejecting(**more: Any) -> Callable[[Shape], Options]:
  return lambda shape: {**_with_f(shape), 'rule': {'name': 'mean'}, **more}


def _gas(base: str) -> Callable[[Shape], Options]:
  return lambda shape: {
    **_with_f(shape),
    'num_groups': shape.num_groups,
    'base': base,
  }


def _amplified_rejection(shape: Shape) -> Options:
  inside = aggregators.build('loss_rejection', **_rejecting()(shape))
  return {'rule': inside}


def _most_excluded(clients: int) -> int:
  """Returns the largest f that minimum_diameter allows among n clients."""
  f, most = 0, minimum_diameter.MAX_SUBSETS
  while 2 * (f + 1) < clients and math.comb(clients, f + 1) <= most:
    f += 1
  return f


_THIRD, _GRAMS = (0.2, 'third'), (3.0, 'Gram')

CASES = (
  Case('mean', 'mean'),
  Case('median', 'median', limit=_THIRD),
  Case('trimmed_mean', 'trimmed_mean', _with_f, limit=_THIRD),
  Case('krum', 'krum', _with_f, limit=_GRAMS),
  Case('multi_krum', 'multi_krum', _with_f, limit=_GRAMS),
  Case('bulyan', 'bulyan', _with_f, limit=(0.6, 's')),
  Case('centered_clipping', 'centered_clipping'),
  Case(
    'geometric_median',
    'geometric_median',
    lambda shape: {'tolerance': 1e-6},
    limit=_GRAMS,
  ),
  Case('sign_majority', 'sign_majority'),
  Case('cosine_density', 'cosine_density', _with_f, limit=_GRAMS),
  Case('euclidean_density', 'euclidean_density', _with_f, limit=_GRAMS),
  Case('merged_density', 'merged_density', _with_f, limit=_GRAMS),
  Case('norm_clipped_mean', 'norm_clipped_mean'),
  Case('mean_around_median', 'mean_around_median', _with_f),
  Case('gas(krum)', 'gas', _gas('krum')),
  Case('gas(bulyan)', 'gas', _gas('bulyan')),
  Case(
    'dnc',
    'dnc',
    lambda shape: {**_with_f(shape), 'num_coordinates': shape.num_coordinates},
  ),
  Case(
    'foolsgold',
    'foolsgold',
    lambda shape: {'num_clients': shape.clients},
    kept_stacks=1,
  ),
  # All choices of n - f clients are tried: 4,845 of 20 clients with f = 4, and
  # 3e16 of 80 with f = 16.
  Case(
    'minimum_diameter',
    'minimum_diameter',
    _with_f,
    most_clients=20,
    largest_f=_most_excluded,
  ),
  Case(
    'nearest_neighbor_mixing > trimmed_mean',
    'trimmed_mean',
    _with_f,
    stage=('nearest_neighbor_mixing', _with_f),
  ),
  Case(
    'bucketing > trimmed_mean',
    'trimmed_mean',
    _with_f,
    stage=('bucketing', lambda shape: {'bucket_size': 2}),
  ),
  Case(
    'clipping > mean',
    'mean',
    stage=('clipping', lambda shape: {'radius': shape.radius}),
  ),
  Case('arc > mean', 'mean', stage=('arc', _with_f)),
  Case('fltrust', 'fltrust', needs_server=True),
  Case('feder', 'feder', needs_server=True),
  Case(
    'feder(fraction=0.9)',
    'feder',
    lambda shape: {'fraction': 0.9},
    needs_server=True,
  ),
  Case(
    'error_rate_rejection(mean)',
    'error_rate_rejection',
    _rejecting(),
    needs_server=True,
  ),
  Case(
    'loss_rejection(mean)', 'loss_rejection', _rejecting(), needs_server=True
  ),
  Case(
    'union_rejection(mean)', 'union_rejection', _rejecting(), needs_server=True
  ),
  Case(
    'union_rejection(mean, single_update)',
    'union_rejection',
    _rejecting(single_update=True),
    needs_server=True,
  ),
  Case(
    'mean_statistics(krum)',
    'mean_statistics',
    _inside('krum'),
    needs_server=True,
    edit_server=with_statistics,
  ),
  Case('amplified(krum)', 'amplified', _inside('krum'), needs_server=True),
  Case('amplified(bulyan)', 'amplified', _inside('bulyan'), needs_server=True),
  Case(
    'amplified(cosine_density)',
    'amplified',
    _inside('cosine_density'),
    needs_server=True,
  ),
  Case(
    'amplified(fltrust)',
    'amplified',
    _inside('fltrust', has_f=False),
    needs_server=True,
  ),
  Case(
    'amplified(loss_rejection)',
    'amplified',
    _amplified_rejection,
    needs_server=True,
  ),
)


def without_a_case() -> list[str]:
  """Returns the registered rules and pre-aggregators that no case covers."""
  covered = {case.rule for case in CASES}
  covered |= {case.stage[0] for case in CASES if case.stage}
  registered = [
    *registry.entries('aggregator'),
    *registry.entries('preaggregator'),
  ]
  return [name for name in registered if name not in covered]
