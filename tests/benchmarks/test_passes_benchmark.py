"""The benchmark of passes sets a rule against the round that it is part of."""

import numpy as np
import pytest
import tiny_federation as tiny

from benchmarks import passes
from flsec import aggregators


@pytest.mark.parametrize(
  'momentum, attack', [(0.0, 'alie'), (0.9, 'hybrid_sparse')]
)
def test_the_rule_alone_is_given_the_rows_of_the_round(momentum, attack):
  model = tiny.model()
  plan = passes.plan_of(
    model,
    aggregators.build('multi_krum', num_byzantine=5),
    momentum=momentum,
    attack=attack,
  )
  rng = np.random.default_rng(0)
  rows = rng.normal(size=[25, model.num_weights]).astype(np.float32)
  server, rule = passes.calls_of(plan, rows)
  new, metrics = server()
  assert metrics['num_dropped'] == 0
  np.testing.assert_array_equal(new['previous_update'], rule())


def test_what_a_rule_takes_is_not_the_servers(capsys):
  used = {name: 9.0 for name, _ in passes._RULES}
  used.update(dict.fromkeys(passes._PARTS, 7.0))
  used.update({f'{name} alone': 4.0 for name in used})
  used.update(copy=2.0, stacking=3.0)
  # (3 + 9 - 4) / 2 passes are at most 4 of them, and 0.01 more are not.
  assert passes._print(used, (25, 7)) == 0
  used['median'] += 0.02
  assert passes._print(used, (25, 7)) == 1
  assert 'ABOVE' in capsys.readouterr().out
