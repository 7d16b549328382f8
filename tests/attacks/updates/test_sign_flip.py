import numpy as np
import pytest
from crafting import context, craft

from flsec import attacks


def test_own_flips_each_update_by_itself():
  attack = attacks.build('sign_flip', scale=2.0)
  flipped = attack.update(np.array([1.0, -3.0, 0.0], np.float32), context())
  np.testing.assert_array_equal(flipped, [-2.0, 6.0, 0.0])
  assert attack.craft is None and attack.default_knowledge == 'none'


def test_mean_sends_the_benign_mean_reversed():
  benign = [[1.0, 2.0], [3.0, -4.0]]
  crafted = craft('sign_flip', np.ones((2, 2)), benign, source='mean')
  np.testing.assert_allclose(crafted, [[-2.0, 1.0]] * 2)


def test_mean_under_partial_knowledge_reverses_the_own_mean():
  own = [[2.0, 0.0], [4.0, 2.0]]
  crafted = craft(
    'sign_flip', own, np.ones((3, 2)), knowledge='partial', source='mean'
  )
  np.testing.assert_allclose(crafted, [[-3.0, -1.0]] * 2)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'scale': -1.0}, r'sign_flip needs a finite scale >= 0; got -1'),
    ({'source': 'all'}, r"source must be one of own, mean; got 'all'"),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('sign_flip', **options)
