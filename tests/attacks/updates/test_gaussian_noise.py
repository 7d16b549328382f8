import numpy as np
import pytest
import tensorflow as tf
from crafting import context

from flsec import attacks

UPDATE = np.linspace(-2, 4, 40_000).astype(np.float32)


def _send(seed=(1, 2), **options):
  attack = attacks.build('gaussian_noise', **options)
  return attack.update(UPDATE, context(seed=tf.constant(seed))).numpy()


def test_additive_noise_has_the_given_moments():
  noise = _send(scale=0.5, mean=0.1) - UPDATE
  assert noise.mean() == pytest.approx(0.1, abs=0.01)
  assert noise.std() == pytest.approx(0.5, rel=0.02)


def test_without_a_scale_the_noise_follows_the_update():
  noise = _send() - UPDATE
  assert noise.std() == pytest.approx(UPDATE.std(), rel=0.02)
  assert abs(np.corrcoef(noise, UPDATE)[0, 1]) < 0.02


def test_replacement_forgets_the_update():
  sent = _send(mode='replace', scale=1.0)
  assert sent.std() == pytest.approx(1.0, rel=0.02)
  assert abs(np.corrcoef(sent, UPDATE)[0, 1]) < 0.02


def test_scale_zero_adds_nothing():
  np.testing.assert_array_equal(_send(scale=0.0), UPDATE)


def test_the_seed_decides():
  np.testing.assert_array_equal(_send((5, 6)), _send((5, 6)))
  assert (_send((5, 6)) != _send((5, 7))).mean() > 0.99


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'scale': -1.0}, r'gaussian_noise needs a finite scale >= 0; got -1'),
    ({'mode': 'mix'}, r"mode must be one of additive, replace; got 'mix'"),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('gaussian_noise', **options)


def test_a_missing_seed_is_refused():
  attack = attacks.build('gaussian_noise')
  with pytest.raises(ValueError, match=r'seed=None'):
    attack.update(UPDATE, context(seed=None))
