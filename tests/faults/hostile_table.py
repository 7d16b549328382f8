"""Tries every rule on every hostile update by every path; writes the page.

`python tests/faults/hostile_table.py` writes docs/hostile_updates.md anew;
test_hostile_table.py fails where the page is not what is measured.
"""

import functools
import pathlib
import re
import sys

if __name__ == '__main__':
  _TESTS = pathlib.Path(__file__).parents[1]
  sys.path[:0] = [str(_TESTS), str(_TESTS / 'federated')]

import hostile_updates
import numpy as np
import stock_server
import stock_tff
import tensorflow as tf
import tensorflow_federated as tff
import tiny_federation

from flsec import registry
from flsec.aggregators import screening
from flsec.federated import server_context, server_step, stacking, xla
from flsec.federated.rule_factory import as_aggregation_factory

PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'hostile_updates.md'
PATHS = ('streamed', 'stacked', 'XLA', 'stock TFF')
FINITE, REFUSED, INFINITE, NONE = 'f', 'r', 'X', '-'
HEAD = """# Every rule on every hostile update

<!-- Made by `python tests/faults/hostile_table.py`; a test compares. -->

What comes out where a client sends the worst: {clients} clients, one of them
expected to be malicious. A cell has a letter for each path: *streamed* (the
round adds up a mean and holds no stack), *stacked* (the rule in a graph), *XLA*
(the same, compiled) and *stock TFF* (the rule as an aggregator of
`tff.learning`, on TFF's own worker).

`f`: the result is finite. `r`: refused in words, since too few rows that count
are left for the rule. `-`: the rule has no such path. Nothing else may stand
here.

"""
# What a refusal of every path says, however TFF wraps it.
_WORDS = re.compile(r'needs at least \d+ clients|too few clients')


def names():
  """Returns all registered rules."""
  return list(registry.entries('aggregator'))


def read():
  """Returns {(rule, hostile update): cell} of the page."""
  cells = {}
  kinds = list(hostile_updates.HOSTILE)
  for line in PAGE.read_text(encoding='utf-8').splitlines():
    parts = [part.strip(' `') for part in line.strip('|').split('|')]
    if len(parts) == len(kinds) + 1 and parts[0] in names():
      cells.update({(parts[0], k): c for k, c in zip(kinds, parts[1:])})
  return cells


def page(cells):
  kinds = list(hostile_updates.HOSTILE)
  lines = [
    '| rule | ' + ' | '.join(str(i + 1) for i in range(len(kinds))) + ' |',
    '|---' * (len(kinds) + 1) + '|',
  ]
  for name in names():
    row = ' | '.join(f'`{cells[name, kind]}`' for kind in kinds)
    lines.append(f'| `{name}` | {row} |')
  legend = [f'{i}. {kind}' for i, kind in enumerate(kinds, start=1)]
  head = HEAD.format(clients=hostile_updates.NUM_CLIENTS)
  return head + '\n'.join([*legend, '', *lines]) + '\n'


class Tried:
  """A rule with all its paths built, each once."""

  def __init__(self, name):
    self.rule = stock_server.build(name)
    self.server = stock_server.server()
    self.dimension = self.server.model.num_weights
    spec = tf.TensorSpec(
      [hostile_updates.NUM_CLIENTS, self.dimension], tf.float32
    )
    # As a round on an accelerator has it: screening stays outside.
    inner = self.rule.unscreened
    compiled = xla.compiled_rule(inner)
    self.graph, self.compiled = (
      tf.function(
        functools.partial(self._apply, rule),
        input_signature=[spec],
        autograph=False,
      )
      for rule in (self.rule, screening.screened(compiled))
    )

  def _apply(self, rule, rows):
    context = server_context.build_server_context(
      model=self.server.model,
      training=self.server.root_training,
      root=self.server.root,
      validation=self.server.validation,
      weights=tf.constant(self.server.initial_weights),
      round_number=tf.constant(1),
      seed=tf.constant([3, 5]),
    )
    state = rule.initialize(self.dimension)
    weights = tf.ones(rows.shape[:1])
    return rule.next(state, rows, weights, context)[1]

  def streamed(self, kind):
    if not self.rule.is_weighted_mean:
      return NONE
    plan = tiny_federation.plan(
      hostile_updates.NUM_CLIENTS, rule=self.rule, model=self.server.model
    )
    assert plan.streams
    return _outcome(lambda: _streamed(plan, self._rows(kind)))

  def stacked(self, kind):
    return _outcome(lambda: self.graph(self._rows(kind)))

  def xla(self, kind):
    return _outcome(lambda: self.compiled(self._rows(kind)))

  def stock(self):
    """Returns the path of stock TFF, which needs its worker."""
    factory = as_aggregation_factory(
      self.rule,
      hostile_updates.NUM_CLIENTS,
      server=self.server,
      values_are_descents=False,
    )
    process = factory.create(tff.TensorType(np.float32, [self.dimension]))
    return lambda kind: _outcome(
      lambda: process.next(process.initialize(), list(self._rows(kind))).result
    )

  def _rows(self, kind):
    return hostile_updates.stack(kind, self.dimension)


def _streamed(plan, rows):
  built = stacking.build_stacking(plan)
  total = built.zero()
  for index, row in enumerate(rows):
    total = built.accumulate(
      total,
      stacking.Struct(
        client_id=tf.constant(index),
        rank=tf.constant(-1),
        weight=tf.constant(600.0),
        loss=tf.constant(0.0),
        update=tf.constant(row),
      ),
    )
  update, measured = server_step._streamed(plan, total)
  if measured['too_few_clients']:
    # What the loop ends the run with, or the policy says.
    raise ValueError('too few clients')
  return update


def _outcome(run):
  try:
    result = np.asarray(run())
  except Exception as error:
    if _WORDS.search(str(error)):
      return REFUSED
    raise
  return FINITE if np.all(np.isfinite(result)) else INFINITE


def cell(tried, stock, kind):
  return ''.join(
    [tried.streamed(kind), tried.stacked(kind), tried.xla(kind), stock(kind)]
  )


def measure():
  cells = {}
  with stock_tff.local_worker():
    for name in names():
      tried = Tried(name)
      stock = tried.stock()
      for kind in hostile_updates.HOSTILE:
        cells[name, kind] = cell(tried, stock, kind)
      print(
        name, *(cells[name, k] for k in hostile_updates.HOSTILE), flush=True
      )
  return cells


def write():
  PAGE.write_text(page(measure()), encoding='utf-8')


if __name__ == '__main__':
  write()
