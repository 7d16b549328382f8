"""The rule of a plan: screened, behind its pre-aggregators, compiled."""

import numpy as np
import pytest
import small_experiment
import tensorflow as tf

from flsec.aggregators.rule import ServerContext
from flsec.experiment import assembly


def _assemble(*changes, **options):
  return assembly.assemble(small_experiment.load(*changes), '', **options)


class TestRule:
  _FACTS = {'num_clients': 6, 'num_classes': 10, 'input_shape': (2,)}

  def _built(self, *changes, **options):
    server = small_experiment.load(*changes).server
    return assembly.build_rule(server, self._FACTS, **options)

  def test_is_screened(self):
    rows = np.array([[1.0], [2.0], [3.0], [np.nan]], np.float32)
    found = self._built('server.aggregator=median')(rows)
    np.testing.assert_array_equal(found, [2.0])

  def test_preaggregators_come_first(self):
    change = 'server.preaggregators=[{name: clipping, radius: 1.0}]'
    rows = np.array([[3.0, 4.0], [0.3, 0.4]], np.float32)
    found = self._built('server.aggregator=mean', change)(rows)
    np.testing.assert_allclose(found, [0.45, 0.6], rtol=1e-5)

  def test_xla_gives_the_same(self):
    rows = np.random.default_rng(0).normal(size=[6, 5]).astype(np.float32)
    found, expected = (
      self._built('server.aggregator=multi_krum', uses_xla=uses_xla)(rows)
      for uses_xla in (True, False)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)

  @pytest.mark.parametrize('name', ['bulyan', 'mean_around_median', 'krum'])
  def test_xla_with_a_row_that_is_dropped(self, name):
    rows = np.random.default_rng(0).normal(size=[8, 5]).astype(np.float32)
    rows[3] = np.nan
    found, expected = (
      self._built(f'server.aggregator={name}', uses_xla=uses_xla)(rows)
      for uses_xla in (True, False)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)

  def test_policy_for_too_few(self):
    rows = np.ones([2, 3], np.float32)
    rule = self._built('server.aggregator=krum', 'server.on_too_few=skip')
    assert not rule(rows).numpy().any()

  @pytest.mark.parametrize('uses_xla', [False, True])
  @pytest.mark.parametrize('policy', ['error', 'skip', 'mean'])
  def test_too_few_clients_are_left_to_the_loop(self, policy, uses_xla):
    rule = self._built(
      'server.aggregator={name: krum, num_byzantine: 0}',
      f'server.on_too_few={policy}',
      uses_xla=uses_xla,
    )
    rows = np.float32([[1.0], [2.0], [np.nan], [np.inf]])

    @tf.function(autograph=False)
    def run(rows):
      return rule.next((), rows, tf.ones([4]), ServerContext())[1:]

    update, measured = run(tf.constant(rows))
    assert measured['too_few_clients'].numpy() == 1
    assert update.numpy() == (1.5 if policy == 'mean' else 0)

  def test_is_told_of_the_federation(self):
    rule = self._built('server.aggregator=foolsgold')
    assert rule.initialize(5).shape[0] == 6
