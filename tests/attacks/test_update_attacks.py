"""What every craft keeps, whatever it computes."""

import numpy as np
import pytest
import tensorflow as tf
import xla_programs
from crafting import context, craft, stack, visible

from flsec import attacks

DIMENSION = 4100  # Two blocks of columns.
MASK = tf.constant(np.arange(DIMENSION) % 7 == 0)
CASES = [
  ('alie', {}),
  ('fang_krum', {}),
  ('fang_krum', {'radius': 0.01}),
  ('fang_trimmed_mean', {}),
  ('hybrid_sparse', {}),
  ('hybrid_sparse', {'policy': 'semi_adaptive'}),
  ('ipm', {}),
  ('mimic', {}),
  ('mimic', {'position': None}),
  ('min_max', {}),
  ('min_max', {'perturbation': 'unit'}),
  ('min_max', {'perturbation': 'sign'}),
  ('min_sum', {}),
  ('rop', {}),
  ('rop', {'scale': None}),
  ('sign_flip', {'source': 'mean'}),
]
IDS = ['-'.join([n, *(str(v) for v in o.values())]) for n, o in CASES]
OWN, BENIGN = stack(5, DIMENSION, seed=1), stack(20, DIMENSION, seed=2)
every_attack = pytest.mark.parametrize(('name', 'options'), CASES, ids=IDS)


def _fields():
  return {'state': MASK, 'previous_update': tf.constant(OWN[0] * 0.1)}


def _craft(name, options, own, benign, **more):
  return craft(name, own, benign, fields=_fields(), **more, **options)


@every_attack
def test_partial_knowledge_does_not_depend_on_benign_rows(name, options):
  seen = _craft(name, options, OWN, BENIGN, knowledge='partial')
  other = _craft(name, options, OWN, BENIGN * -3 + 1, knowledge='partial')
  np.testing.assert_array_equal(seen, other)
  full = _craft(name, options, OWN, BENIGN)
  changed = _craft(name, options, OWN, BENIGN * -3 + 1)
  assert np.abs(full - changed).max() > 1e-3


@pytest.mark.parametrize(
  ('name', 'fewest'),
  [
    # A deviation needs two rows, and so does an extreme among others.
    ('alie', 2),
    ('hybrid_sparse', 2),
    ('min_max', 2),
    ('min_sum', 2),
    # Of one row these would send what an honest client does.
    ('mimic', 2),
    ('shared_update', 2),
    # A sign, a mean or a range of one row is one.
    ('bit_flip', 1),
    ('fang_krum', 1),
    ('fang_trimmed_mean', 1),
    ('gaussian_noise', 1),
    ('ipm', 1),
    ('rop', 1),
    ('sign_flip', 1),
  ],
)
def test_fewest_rows_that_an_attack_has_to_know(name, fewest):
  assert attacks.build(name).minimum_known_rows == fewest


@every_attack
def test_row_counts_may_be_unknown(name, options):
  attack = attacks.build(name, **options)
  unknown = tf.TensorSpec([None, DIMENSION])

  @tf.function(input_signature=[unknown, unknown])
  def dynamic(own, benign):
    return attack.craft(own, benign, context(**_fields()))

  for knowledge in ('full', 'partial'):
    np.testing.assert_allclose(
      dynamic(OWN, visible(BENIGN, knowledge)),
      _craft(name, options, OWN, BENIGN, knowledge=knowledge),
      atol=2e-5,
    )
  assert dynamic(OWN[:0], BENIGN).shape == (0, DIMENSION)
  assert dynamic(OWN[:0], BENIGN[:0]).shape == (0, DIMENSION)
  alone = dynamic(OWN[:1], BENIGN[:0])
  assert np.isfinite(alone).all()


@every_attack
def test_xla_compiles_it_to_the_same_rows(name, options):
  attack = attacks.build(name, **options)

  @tf.function(jit_compile=True)
  def compiled(own, benign):
    return attack.craft(own, benign, context(**_fields()))

  np.testing.assert_allclose(
    compiled(OWN, BENIGN), _craft(name, options, OWN, BENIGN), atol=2e-5
  )
  assert xla_programs.is_compiled_once(
    lambda benign: attack.craft(OWN, benign, context(**_fields())), BENIGN
  )


@pytest.mark.parametrize(
  ('name', 'options'),
  [case for case in CASES if case != ('mimic', {})],  # Copies a position.
)
def test_the_order_of_benign_rows_does_not_matter(name, options):
  shuffled = BENIGN[np.random.default_rng(3).permutation(len(BENIGN))]
  np.testing.assert_allclose(
    _craft(name, options, OWN, shuffled),
    _craft(name, options, OWN, BENIGN),
    atol=2e-5,
  )


@every_attack
def test_equal_rows_and_zero_rows_stay_finite(name, options):
  for value in (0.0, 0.25):
    rows = np.full((6, DIMENSION), value)
    assert np.isfinite(_craft(name, options, rows[:2], rows)).all()


@every_attack
def test_full_knowledge_does_not_read_the_own_rows(name, options):
  np.testing.assert_array_equal(
    _craft(name, options, OWN, BENIGN), _craft(name, options, OWN * 2, BENIGN)
  )
