"""Tests of passes through a model, whole and cut."""

import conv_federation as conv
import numpy as np
import pytest
import rounding
import tensorflow as tf

from flsec.defenses import channels
from flsec.experiment.forward_pass import CutPass, WholePass
from flsec.models.channel_cut import ChannelCut

layers = tf.keras.layers
NORMS = {
  'none': None,
  'batch': layers.BatchNormalization,
  'group': lambda name: layers.GroupNormalization(5, name=name),
}
GONE = ([1], [1, 3], [0, 1, 3, 4])
LENGTH = 44


def _examples(count=23):
  return conv.federation([count], seed=5).test.x


def _given(norm='none', activation='relu', num_threads=2):
  model = conv.model(NORMS[norm], activation)
  whole = WholePass(model, batch_size=7, num_threads=num_threads)
  return model, whole, model.initial_weights(3)


def _without(model, weights, gone):
  weights = weights.copy()
  own = channels.entries(model.layout, model.layout['conv'])
  for channel in gone:
    weights[own[channel]] = 0.0
  return weights


def _calls(monkeypatch):
  """Counts the whole passes that a cut pass falls back to."""
  seen = []
  whole = WholePass.logits

  def logits(self, weights, x, *, is_stored=True):
    seen.append(len(x))
    return whole(self, weights, x, is_stored=is_stored)

  monkeypatch.setattr(WholePass, 'logits', logits)
  return seen


def test_whole_passes_are_the_models_logits():
  model, whole, weights = _given()
  x = _examples()
  expected = model.logits(weights, model.inputs(x))
  found = whole.logits(weights, x)
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
  found = whole.logits(weights, model.inputs(x).numpy(), is_stored=False)
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_batches_may_be_normalised_by_themselves():
  model, _, weights = _given('batch')
  x = _examples()
  whole = WholePass(model, batch_size=7, num_threads=2, reads_batch=True)
  found = whole.logits(weights, x)
  expected = [  # Training mode: there is nothing random in this model.
    model.logits(weights, model.inputs(x[start : start + 7]), training=True)
    for start in range(0, 23, 7)
  ]
  np.testing.assert_allclose(
    found, np.concatenate(expected), rtol=1e-5, atol=1e-6
  )
  assert np.abs(found - model.logits(weights, model.inputs(x))).max() > 1e-2


def test_no_examples_are_no_logits():
  _, whole, weights = _given()
  x = np.zeros([0, 6, 6, 1], np.float32)
  assert whole.logits(weights, x).shape == (0, 3)
  assert CutPass(whole, 'conv', weights).logits(weights, x).shape == (0, 3)


def _changed(model, weights, count=3):
  """Weights of which some entries of the layer's kernel are zero."""
  rng = np.random.default_rng(0)
  span = model.layout['conv'].kernel
  for _ in range(count):
    changed = weights.copy()
    changed[span.start : span.stop] *= rng.random(span.size) < 0.7
    yield changed


def _check_bit_for_bit(cut, whole, x, candidates, monkeypatch):
  expected = [whole.logits(one, x) for one in candidates]
  fell_back = _calls(monkeypatch)
  for one, wanted in zip(candidates, expected):
    for _ in range(2):
      np.testing.assert_array_equal(cut.logits(one, x), wanted)
  assert not fell_back
  assert len({wanted.tobytes() for wanted in expected}) == len(expected)


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('activation', ['relu', 'sigmoid'])
def test_cut_passes_are_whole_ones_bit_for_bit(norm, activation, monkeypatch):
  model, whole, weights = _given(norm, activation)
  cut = CutPass(whole, 'conv', weights)
  candidates = list(_changed(model, weights))
  _check_bit_for_bit(cut, whole, _examples(), candidates, monkeypatch)


@pytest.mark.parametrize('norm', NORMS)
def test_so_are_they_without_channels_that_say_something(norm, monkeypatch):
  """A sigmoid channel without weights still says 1/2."""
  model, whole, weights = _given(norm, 'sigmoid')
  cut = CutPass(whole, 'conv', weights)
  candidates = [_without(model, weights, gone) for gone in ([], *GONE)]
  _check_bit_for_bit(cut, whole, _examples(), candidates, monkeypatch)


def _reference(model, weights, x, gone):
  """Returns float64 logits without channels, and sums of |terms| of all."""
  cut = ChannelCut(model, 'conv', is_behind=True)
  (found,) = cut.below(weights, model.inputs(x))
  features = np.array(found, np.float64)
  left = features.copy()
  left[..., list(gone)] = 0.0
  left, features = (part.reshape(len(left), -1) for part in (left, features))
  kernel, bias = (
    weights[s.start : s.stop].reshape(s.shape).astype(np.float64)
    for s in map(model.layout['logits'].spans.get, ('kernel', 'bias'))
  )
  return left @ kernel + bias, abs(features) @ abs(kernel) + abs(bias)


@pytest.mark.parametrize('norm', ['none', 'batch'])
def test_silent_channels_are_left_out_of_the_product(norm, monkeypatch):
  """2 * 2 positions of 5 channels at most, less those of some, and a bias."""
  model, whole, weights = _given(norm)
  cut = CutPass(whole, 'conv', weights)
  x = _examples()
  fell_back = _calls(monkeypatch)
  for gone in ([], *GONE, range(5)):
    exact, terms = _reference(model, weights, x, gone)
    candidate = _without(model, weights, gone)
    for _ in range(2):
      found = cut.logits(candidate, x)
      rounding.assert_close(found, exact, terms=terms, length=LENGTH)
  assert not fell_back


def test_channels_that_were_gone_before_stay_so():
  model, whole, weights = _given()
  weights = _without(model, weights, [2])
  cut = CutPass(whole, 'conv', weights)
  x = _examples()
  exact, terms = _reference(model, weights, x, [0])
  found = cut.logits(_without(model, weights, [0, 2]), x)
  rounding.assert_close(found, exact, terms=terms, length=LENGTH)


def test_other_weights_take_a_whole_pass(monkeypatch):
  model, whole, weights = _given()
  cut = CutPass(whole, 'conv', weights)
  x = _examples()
  changed = weights.copy()
  changed[model.layout['logits'].kernel.start] += 1.0
  expected = whole.logits(changed, x)
  fell_back = _calls(monkeypatch)
  np.testing.assert_array_equal(cut.logits(changed, x), expected)
  assert fell_back == [23]


def test_too_many_features_are_not_kept(monkeypatch):
  model, whole, weights = _given()
  # Behind the layer and its pooling an example has 2 * 2 * 5 numbers, and 3 are
  # the product of all channels.
  cut = CutPass(whole, 'conv', weights, most_kept_bytes=23 * 23 * 4 - 1)
  x = _examples()
  fewer = _without(model, weights, [4])
  expected = whole.logits(fewer, x)
  fell_back = _calls(monkeypatch)
  np.testing.assert_array_equal(cut.logits(fewer, x), expected)
  assert fell_back == [23]
  enough = CutPass(whole, 'conv', weights, most_kept_bytes=23 * 23 * 4)
  exact, terms = _reference(model, weights, x, [4])
  found = enough.logits(fewer, x)
  rounding.assert_close(found, exact, terms=terms, length=LENGTH)
  assert fell_back == [23]


def test_model_inputs_and_stored_examples_are_kept_apart():
  model, whole, weights = _given('group')
  cut = CutPass(whole, 'conv', weights)
  x, other = _examples(9), _examples(9) + 1.0
  fewer = _without(model, weights, [4])
  for rows, is_stored in ((x, True), (other, False), (x, True)):
    np.testing.assert_array_equal(
      cut.logits(fewer, rows, is_stored=is_stored),
      whole.logits(fewer, rows, is_stored=is_stored),
    )
