import numpy as np
import pytest
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators.rule import ServerContext
from flsec.metrics import escape
from flsec.numerics import columns

_CONTEXT = ServerContext(seed=tf.constant([0, 0]))

# Five clients, the last malicious; three coordinates.
ROWS = np.array(
  [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3], [-9, 1.5, 9]], np.float32
)
LAST = np.array([False, False, False, False, True])


@pytest.fixture(params=[1024, 4])
def blocks(request, monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)
  monkeypatch.setattr(columns, 'LEAST_COLUMNS', request.param)


def test_one_of_three_entries_escapes_trimming():
  found = escape.trimmed_mean_escape(tf.constant(ROWS), tf.constant(LAST), 1)
  np.testing.assert_allclose(found, 1 / 3, rtol=1e-6)


def test_one_of_three_medians_is_malicious():
  found = escape.median_escape(tf.constant(ROWS), tf.constant(LAST))
  np.testing.assert_allclose(found, 1 / 3, rtol=1e-6)


def test_of_equal_entries_the_lower_client_ranks_first():
  rows = tf.constant([[1.0], [1], [1], [1], [1]])
  for place, wanted in enumerate([0, 1, 1, 1, 0]):
    malicious = tf.range(5) == place
    assert escape.trimmed_mean_escape(rows, malicious, 1) == wanted


@pytest.mark.usefixtures('blocks')
@pytest.mark.parametrize('num_trimmed', [0, 2, 4])
def test_trimming_follows_the_reference(num_trimmed):
  rng = np.random.default_rng(0)
  x = np.round(rng.standard_normal((11, 30)), 1).astype(np.float32)
  malicious = rng.random(11) < 0.4
  order = np.argsort(x, axis=0, kind='stable')[num_trimmed : 11 - num_trimmed]
  wanted = malicious[order].sum() / (malicious.sum() * 30)
  found = escape.trimmed_mean_escape(
    tf.constant(x), tf.constant(malicious), num_trimmed
  )
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.usefixtures('blocks')
@pytest.mark.parametrize('clients', [7, 8])
def test_medians_follow_the_reference(clients):
  rng = np.random.default_rng(1)
  x = rng.integers(-2, 3, (clients, 30)).astype(np.float32)
  malicious = np.arange(clients) >= clients - 2
  hit = (x[malicious] == np.median(x, axis=0)).any(axis=0)
  found = escape.median_escape(tf.constant(x), tf.constant(malicious))
  np.testing.assert_allclose(found, hit.mean(), rtol=1e-6)
  assert 0 < hit.mean() < 1


@pytest.mark.usefixtures('blocks')
def test_bulyan_follows_the_reference():
  rng = np.random.default_rng(2)
  x = rng.standard_normal((11, 30)).astype(np.float32)
  malicious = np.arange(11) >= 9
  x[9:] *= 0.5
  rule = aggregators.build('bulyan', num_byzantine=2)
  _, _, measured = rule.next((), tf.constant(x), tf.ones(11), _CONTEXT)
  chosen = np.flatnonzero(measured['selected'])
  away = np.abs(x[chosen] - np.median(x[chosen], axis=0))
  nearest = chosen[np.argsort(away, axis=0, kind='stable')[:3]]
  kept = malicious[nearest].sum()
  num_chosen = malicious[chosen].sum()
  found = escape.bulyan_escape(
    tf.constant(x), tf.constant(malicious), measured['selected'], 2
  )
  wanted = (num_chosen / 2, kept / 30 / num_chosen, kept / 60, kept / 90)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(
  ('replication', 'index'),
  [
    # Table V's index escape in %, 73, 60, 29 and 0, on another model.
    ('flbyz', (0.744, 0.613, 0.318, 0.0)),
    ('none', (0.949, 0.848, 0.473, 0.0)),
  ],
)
def test_bulyan_against_alie_on_normal_rows(replication, index):
  rng = np.random.default_rng(0)
  benign = rng.standard_normal((20, 8000))
  rule = aggregators.build('bulyan', num_byzantine=5, replication=replication)
  malicious = tf.range(25) < 5
  for z, wanted in zip((0.25, 0.5, 1.0, 1.5), index):
    crafted = benign.mean(axis=0) - z * benign.std(axis=0, ddof=1)
    x = tf.constant(np.concatenate([[crafted] * 5, benign]), tf.float32)
    _, _, measured = rule.next((), x, tf.ones(25), _CONTEXT)
    found = escape.bulyan_escape(
      x, malicious, measured['selected'], 5, replication=replication
    )
    # The standard deviation of a share over 8,000 columns is below 0.006.
    assert float(found.index) == pytest.approx(wanted, abs=0.02)
    assert z == 1.5 or float(found.client) == 1.0


def test_the_two_bulyans_keep_different_entries():
  # Median 4; of 0 1 2 3 4 5 6 20 30 (f = 1) the seven nearest are 0 to 6, and
  # without one at each end 1 to 20 are left. Row 7 is malicious.
  rows = tf.constant([[0.0], [1], [2], [3], [4], [5], [6], [20], [30]])
  malicious, selected = tf.range(9) == 7, tf.fill([9], 1 / 9)
  for replication, wanted in (('none', 0), ('flbyz', 1)):
    found = escape.bulyan_escape(
      rows, malicious, selected, 1, replication=replication
    )
    assert found.index == wanted


def test_of_two_equally_near_values_the_lower_is_kept():
  # Median 2; 0 and 4 are as far: two of three below and above keep 0.
  rows = tf.constant([[4.0], [3], [2], [1], [0]])
  for place, wanted in enumerate([0, 1, 1, 1, 1]):
    malicious = tf.range(5) == place
    assert escape.mean_around_median_escape(rows, malicious, 1) == wanted


def test_nobody_selected_lets_no_entry_escape_bulyan():
  x = tf.constant(np.random.default_rng(3).standard_normal((7, 4)), tf.float32)
  malicious = tf.range(7) == 6
  selected = tf.constant([0.2] * 5 + [0.0] * 2)
  found = escape.bulyan_escape(x, malicious, selected, 1)
  np.testing.assert_array_equal(found, [0, 0, 0, 0])


@pytest.mark.parametrize(
  ('selected', 'wanted'),
  [([0.5, 0.5, 0, 0], 0.5), ([0, 0, 1, 0], 0), ([0.3, 0, 0, 0.7], 1)],
)
def test_clients_that_are_selected_escape(selected, wanted):
  malicious = tf.constant([True, False, False, True])
  found = escape.client_escape(tf.constant(selected, tf.float32), malicious)
  assert found == wanted


def test_without_malicious_clients_nothing_can_escape():
  nobody = tf.zeros([5], tf.bool)
  rows, selected = tf.constant(ROWS), tf.ones([5]) / 5
  for found in (
    escape.client_escape(selected, nobody),
    escape.trimmed_mean_escape(rows, nobody, 1),
    escape.median_escape(rows, nobody),
    escape.bulyan_escape(rows, nobody, selected, 1).index,
  ):
    assert np.isnan(found)


@pytest.mark.parametrize('num_trimmed', [-1, 3])
def test_trimming_too_many_is_refused(num_trimmed):
  with pytest.raises(ValueError, match=rf'half of n=5; got {num_trimmed}'):
    escape.trimmed_mean_escape(
      tf.constant(ROWS), tf.constant(LAST), num_trimmed
    )
