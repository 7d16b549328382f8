import numpy as np
from crafting import craft, stack

from flsec import attacks


def test_all_send_the_row_of_the_first():
  own = stack(4, 6, seed=5)
  crafted = craft('shared_update', own, stack(3, 6), knowledge='partial')
  np.testing.assert_array_equal(crafted, np.stack([own[0]] * 4))


def test_benign_rows_are_not_looked_at():
  own = stack(2, 3)
  crafted = craft('shared_update', own, stack(3, 3) * np.nan)
  np.testing.assert_array_equal(crafted, own[[0, 0]])


def test_beside_an_attack_on_training():
  attack = attacks.build(
    'compose',
    attacks=[attacks.build('label_flip'), attacks.build('shared_update')],
  )
  assert attack.poison and attack.craft and attack.source_labels == (1,)
  assert attack.default_knowledge == 'partial'


def test_a_single_attacker_shares_with_nobody():
  attack = attacks.build('shared_update')
  assert 'nobody to share' in attack.idle(10, 1)
  assert attack.idle(10, 2) is None
