"""Attacks say where they would change nothing, and only there."""

import re

import pytest

from flsec import attacks

_NOISE = {'name': 'gaussian_noise', 'scale': 0.0}
_ALIE = {'name': 'alie', 'scale': 0.0}
_FLIP = {'name': 'label_flip'}


@pytest.mark.parametrize(
  ('name', 'options', 'reason'),
  [
    ('alie', {'scale': 0.0}, 'its scale z is 0'),
    # s = 5 + 1 - 1 of 9 benign ones support it, more than half of them.
    ('alie', {}, r'z_max, the scale of n=10 and f=1, is 0'),
    ('rop', {'scale': 0.0}, 'its scale z is 0'),
    ('rop', {'scale': None}, 'z_max'),
    ('gaussian_noise', {'scale': 0.0}, 'scale and mean of the noise are 0'),
    ('hybrid_sparse', {'masked_scale': 0.0}, 'masked_scale is 0, and z_max'),
    ('shared_update', {}, 'nobody to share'),
    ('compose', {'attacks': [_FLIP, _NOISE]}, None),
    ('compose', {'attacks': [_NOISE]}, 'the noise are 0'),
    # What wraps an attack and leaves its update as it is says what that says.
    ('projected', {'attack': _NOISE, 'radius': 1.0}, 'the noise are 0'),
    ('model_replacement', {'attack': _NOISE, 'scale': 1.0}, 'the noise are 0'),
    # A scaled honest update is no honest one.
    ('projected', {'attack': _NOISE, 'radius': 1.0, 'scale': 2.0}, None),
    ('model_replacement', {'attack': _NOISE, 'scale': 2.0}, None),
    ('model_replacement', {'attack': _NOISE}, None),
    ('scaling', {'attack': _NOISE}, None),
    ('alie', {'scale': 0.1}, None),
    ('gaussian_noise', {'scale': 0.1}, None),
    ('gaussian_noise', {'scale': 0.0, 'mean': 0.1}, None),
    ('gaussian_noise', {'scale': None}, None),
    ('gaussian_noise', {'scale': 0.0, 'mode': 'replace'}, None),
    ('hybrid_sparse', {}, None),
    ('hybrid_sparse', {'masked_scale': 0.0, 'scale': 0.5}, None),
    (
      'hybrid_sparse',
      {'masked_scale': 0.0, 'policy': 'semi_adaptive'},
      None,
    ),
    ('label_flip', {}, None),
    ('ipm', {}, None),
  ],
)
def test_why_an_attack_of_one_among_ten_changes_nothing(name, options, reason):
  idle = attacks.build(name, **options).idle
  found = idle and idle(10, 1)
  if reason is None:
    assert found is None
  else:
    assert found and re.search(reason, found)


def test_as_many_as_it_takes_are_not_idle():
  # s = 6 - 3 of 7 benign ones support it: z = Phi^-1(4 / 7).
  assert attacks.build('alie').idle(10, 3) is None
  assert attacks.build('shared_update').idle(10, 2) is None


def test_attacks_in_one_are_idle_where_all_are():
  composed = attacks.build('compose', attacks=[_NOISE, _ALIE])
  assert composed.idle(10, 1) == (
    'scale and mean of the noise are 0; its scale z is 0'
  )
  mixed = attacks.build('compose', attacks=[_NOISE, {'name': 'shared_update'}])
  assert 'nobody to share' in mixed.idle(10, 1)
  assert mixed.idle(10, 2) is None
