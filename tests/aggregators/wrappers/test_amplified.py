import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators.wrappers.max_filter import MaxFilter

LAYOUT = server_cases.dense_layout((6, 4), (4, 3))  # d = 28 + 15
KRUM = {'name': 'krum', 'num_byzantine': 1}
SELECTING = [
  KRUM,
  {'name': 'multi_krum', 'num_byzantine': 1, 'num_selected': 3},
  {'name': 'cosine_density', 'num_byzantine': 2},
  {'name': 'euclidean_density', 'num_byzantine': 2},
  {'name': 'merged_density', 'num_byzantine': 2},
  {'name': 'gas', 'num_byzantine': 1, 'num_groups': 3},
  {'name': 'dnc', 'num_byzantine': 1},
  {'name': 'minimum_diameter', 'num_byzantine': 2},
]


def rows(seed=0, clients=8):
  rng = np.random.default_rng(seed)
  return rng.standard_normal((clients, LAYOUT.size)).astype(np.float32)


def amplify(x, k, **options):
  return MaxFilter(k, **options)(tf.constant(x), LAYOUT).numpy()


@pytest.mark.parametrize('inside', SELECTING)
@pytest.mark.parametrize('k', [2, 3])
def test_rows_are_selected_by_their_amplified_forms(inside, k):
  x, given = rows(), server_cases.context(layout=LAYOUT)
  rule = aggregators.build('amplified', rule=inside, kernel_size=k)
  update, measured = server_cases.run(rule, x, given)
  plain = aggregators.build(**inside)
  _, wanted = server_cases.run(plain, amplify(x, k), given)
  np.testing.assert_allclose(measured['selected'], wanted['selected'])
  np.testing.assert_allclose(update, wanted['selected'] @ x, atol=1e-6)


def test_amplification_makes_a_difference():
  given = server_cases.context(layout=LAYOUT)
  rule = aggregators.build('amplified', rule=KRUM)
  plain = aggregators.build(**KRUM)
  assert any(
    np.any(rule(rows(seed), context=given) != plain(rows(seed)))
    for seed in range(8)
  )


def test_bulyan_selects_by_amplified_and_combines_original_rows():
  x, given = rows(1, 9), server_cases.context(layout=LAYOUT)
  inside = {'name': 'bulyan', 'num_byzantine': 1}
  rule = aggregators.build('amplified', rule=inside, kernel_size=2)
  update, measured = server_cases.run(rule, x, given)
  _, wanted = server_cases.run(
    aggregators.build(**inside), amplify(x, 2), given
  )
  np.testing.assert_array_equal(measured['selected'], wanted['selected'])
  chosen = x[wanted['selected'] > 0].astype(np.float64)  # theta = 7
  away = np.abs(chosen - np.median(chosen, axis=0))
  nearest = np.argsort(away, axis=0, kind='stable')[:5]
  combined = np.take_along_axis(chosen, nearest, axis=0).mean(axis=0)
  np.testing.assert_allclose(update, combined, atol=1e-6)


def published_filter(x, f, k, kernel, normalises_first=True):
  """The code's PoolingDef.filter, from what it does: the clients it keeps.

  Unit rows in PyTorch's order, without the last bias, in rows of the hidden
  width; the largest entry of each patch; distances and cosines of that; the
  sum over all pairs of a client's k nearest; the n - f best of each.
  """
  hidden, out = LAYOUT.layers
  width, classes = hidden.units, out.units
  cut = lambda row, span: row[span.start : span.stop].reshape(span.shape)
  amplified = []
  for row in x.astype(np.float64):
    unit = row / np.sqrt((row**2).sum())
    flat = [*cut(unit, hidden.kernel).T.ravel(), *cut(unit, hidden.bias)]
    flat += [*cut(unit, out.kernel).T.ravel()]
    assert len(flat) == len(row) - classes
    matrix = np.reshape(flat, (-1, width))
    tall, wide = (side // kernel for side in matrix.shape)
    amplified.append(
      [
        matrix[
          i * kernel : (i + 1) * kernel, j * kernel : (j + 1) * kernel
        ].max()
        for i in range(tall)
        for j in range(wide)
      ]
    )
  rows = np.array(amplified)
  lengths = np.linalg.norm(rows, axis=1)
  cosines = rows @ rows.T / np.outer(lengths, lengths)
  if not normalises_first:  # What flsec did.
    rows /= lengths[:, None]
  distances = np.linalg.norm(rows[:, None] - rows, axis=2)
  kept = []
  for far in (distances, -cosines):
    # Sorted: clients that share all neighbours have one sum, and so one tie.
    nearest = np.sort(np.argsort(far, axis=1, kind='stable')[:, :k])
    sums = [far[np.ix_(index, index)].sum() for index in nearest]
    kept.append(set(np.argsort(sums, kind='stable')[: len(x) - f]))
  return {
    'euclidean_density': kept[0],
    'cosine_density': kept[1],
    'merged_density': kept[0] & kept[1],
  }


def test_densities_keep_what_the_published_code_keeps():
  given = server_cases.context(layout=LAYOUT)
  calls = {}
  for name in ('euclidean_density', 'cosine_density', 'merged_density'):
    inside = {'name': name, 'num_byzantine': 3, 'replication': 'agramplifier'}
    rule = aggregators.build(
      'amplified', rule=inside, replication='agramplifier_code', kernel_size=2
    )
    calls[name] = server_cases.traced(rule, given)
  others = 0
  for seed in range(12):
    x = rows(seed, 10)
    wanted = published_filter(x, 3, 7, 2)
    others += wanted != published_filter(x, 3, 7, 2, normalises_first=False)
    units = x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    assert set(wanted) == set(calls)
    for name, kept in wanted.items():
      update, measured = calls[name](x)
      assert set(np.flatnonzero(measured['selected'])) == kept, (seed, name)
      np.testing.assert_allclose(
        update, units[sorted(kept)].mean(axis=0), atol=1e-6
      )
  assert others >= 4  # Pooled rows scaled to length 1 would keep others.


def test_fltrust_takes_amplified_cosines_and_original_norms():
  x, root = rows(3), rows(4, 1)[0]
  given = server_cases.context(
    np.zeros(LAYOUT.size),
    layout=LAYOUT,
    root=(np.zeros((1, 1)), np.zeros(1)),
    train=lambda *_: tf.constant(root),
  )
  rule = aggregators.build('amplified', rule='fltrust')
  assert rule.needs == {'root', 'layout'}
  update, _ = server_cases.run(rule, x, given)
  seen, seen_root = amplify(x, 2), amplify(root[None], 2)[0]
  cosines = seen @ seen_root / np.linalg.norm(seen_root)
  cosines /= np.linalg.norm(seen, axis=1)
  trust = np.maximum(cosines, 0)
  units = x / np.linalg.norm(x, axis=1, keepdims=True)
  wanted = trust @ units * np.linalg.norm(root) / trust.sum()
  np.testing.assert_allclose(update, wanted, atol=1e-5)


@pytest.mark.parametrize('single', [True, False])
def test_rejection_evaluates_restored_and_averages_original_updates(single):
  layout = server_cases.dense_layout((4, 3), has_bias=False)
  given, vx, vy, start = server_cases.validating()
  given = server_cases.context(
    start, model=given.model, validation=(vx, vy), layout=layout
  )
  x = 2 * np.random.default_rng(5).standard_normal((6, 12)).astype(np.float32)
  seen = MaxFilter(2, restores_size=True)(tf.constant(x), layout).numpy()
  inside = {
    'name': 'loss_rejection',
    'rule': {'name': 'mean'},
    'num_rejected': 2,
    'single_update': single,
  }
  rule = aggregators.build('amplified', rule=inside)
  update, measured = server_cases.run(rule, x, given)
  harm = []
  for i in range(6):
    tried = seen[i] if single else np.delete(seen, i, axis=0).mean(axis=0)
    loss, _ = server_cases.loss_and_errors(start + tried, vx, vy)
    harm.append(loss if single else -loss)
  kept = np.sort(np.argsort(harm)[:4])
  np.testing.assert_array_equal(np.flatnonzero(measured['selected']), kept)
  np.testing.assert_allclose(update, x[kept].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
  'inside', [*SELECTING[:3], {'name': 'bulyan', 'num_byzantine': 1}]
)
def test_patches_of_one_entry_are_the_rule_itself(inside):
  x, given = rows(6), server_cases.context(layout=LAYOUT)
  rule = aggregators.build(
    'amplified', rule=inside, kernel_size=1, bias_mode='keep'
  )
  wanted = aggregators.build(**inside)(x, context=given)
  np.testing.assert_allclose(rule(x, context=given), wanted, atol=1e-6)


def test_zero_and_identical_rows_stay_what_they_are():
  given = server_cases.context(layout=LAYOUT)
  for inside in SELECTING:
    rule = aggregators.build('amplified', rule=inside)
    for x in (np.zeros((8, LAYOUT.size)), np.repeat(rows(7, 1), 8, axis=0)):
      found = rule(x.astype(np.float32), context=given)
      np.testing.assert_allclose(found, x[0], atol=1e-6)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'kernel_size': 0}, 'kernel_size must be 1 or more; got 0'),
    ({'bias_mode': 'x'}, "bias_mode must be one of drop, keep, pool; got 'x'"),
    ({'replication': 'x'}, "must be one of none, agramplifier_code; got 'x'"),
    (
      {'replication': 'agramplifier_code', 'bias_mode': 'keep'},
      "own way; got bias_mode='keep'",
    ),
    (
      {'rule': {'name': 'median'}},
      'a rule that scores clients.*median does not',
    ),
    ({'rule': {'name': 'mean'}}, 'mean does not'),
    ({'rule': {'name': 'foolsgold', 'num_clients': 3}}, 'foolsgold.*does not'),
    (
      {
        'rule': {
          'name': 'loss_rejection',
          'rule': {'name': 'mean'},
          'num_rejected': 1,
        },
        'restore_size': False,
      },
      'evaluates models.*got restore_size=False',
    ),
  ],
)
def test_options_that_do_not_fit_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('amplified', **{'rule': KRUM, **options})


def test_a_context_without_layout_is_refused():
  with pytest.raises(ValueError, match=r'`layout` of the model.*got None'):
    aggregators.build('amplified', rule=KRUM)(rows())


def test_a_patch_larger_than_a_layer_is_refused_by_name():
  given = server_cases.context(layout=LAYOUT)
  rule = aggregators.build('amplified', rule=KRUM, kernel_size=5)
  with pytest.raises(ValueError, match=r"kernel_size=5.*layer 'layer_1'"):
    rule(rows(), context=given)


def test_too_few_clients_for_the_rule_inside_are_refused():
  rule = aggregators.build('amplified', rule=KRUM)
  assert rule.minimum_clients == 5
  with pytest.raises(ValueError, match=r'at least 5 clients.*got n=4'):
    rule(rows(clients=4), context=server_cases.context(layout=LAYOUT))


@pytest.mark.parametrize('restore', [False, True])
def test_it_compiles_under_xla(restore):
  x, given = rows(8), server_cases.context(layout=LAYOUT)
  rule = aggregators.build(
    'amplified', rule=KRUM, restore_size=restore, screened=False
  )
  found, _ = server_cases.run(rule, x, given, compiled=True)
  np.testing.assert_allclose(found, rule(x, context=given), atol=1e-6)
