import dataclasses

import numpy as np
import pytest

from flsec import data
from flsec.data import Dataset, ServerSet, build_federation


def _dataset(num_train=1000, num_test=200, writers=None):
  """Examples that say in their pixels which ones they are."""
  ids = np.arange(num_train + num_test, dtype=np.uint16)
  x = ids.view(np.uint8).reshape(-1, 2, 1, 1)
  y = (ids % 10).astype(np.int32)
  return Dataset(
    'numbered',
    x[:num_train],
    y[:num_train],
    x[num_train:],
    y[num_train:],
    num_classes=10,
    scale=0.5,
    shift=0.25,
    writers=writers,
  )


def _ids(x):
  return np.ascontiguousarray(x).reshape(-1, 2).view(np.uint16).ravel()


def _build(dataset=None, **options):
  options = {'partition': 'iid', 'num_clients': 8, 'seed': 1, **options}
  return build_federation(dataset or _dataset(), **options)


def test_clients_share_all_training_examples():
  federation = _build()
  assert federation.num_clients == 8
  np.testing.assert_array_equal(np.sort(_ids(federation.x)), np.arange(1000))
  np.testing.assert_array_equal(federation.y, _ids(federation.x) % 10)
  assert federation.x.dtype == np.uint8 and federation.y.dtype == np.int32
  assert federation.root is None and federation.validation is None
  assert (federation.scale, federation.shift) == (0.5, 0.25)
  np.testing.assert_array_equal(_ids(federation.test.x), np.arange(1000, 1200))


def test_clients_hold_what_the_partition_says():
  dataset = _dataset()
  federation = _build(
    dataset, partition='k_label', partition_options={'num_labels': 3}
  )
  parts = data.partition.k_label(dataset.y_train, 8, num_labels=3, seed=1)
  for client, part in enumerate(parts):
    np.testing.assert_array_equal(_ids(federation.client(client).x), part)


def test_partition_may_have_a_seed_of_its_own():
  first, same, other = (
    _build(partition_options={'seed': seed}).x for seed in (5, 5, 6)
  )
  np.testing.assert_array_equal(first, same)
  assert not np.array_equal(first, other)
  np.testing.assert_array_equal(_build(seed=5).x, first)


@pytest.mark.parametrize('root_from', ['train', 'test'])
@pytest.mark.parametrize('validation_from', ['train', 'test'])
@pytest.mark.parametrize('balanced', [True, False])
def test_clients_root_validation_and_test_never_overlap(
  root_from, validation_from, balanced
):
  federation = _build(
    root=ServerSet(53, root_from, balanced),
    validation=ServerSet(61, validation_from, balanced),
  )
  sets = [federation, federation.root, federation.validation, federation.test]
  ids = np.concatenate([_ids(one.x) for one in sets])
  np.testing.assert_array_equal(np.sort(ids), np.arange(1200))
  assert (len(federation.root), len(federation.validation)) == (53, 61)
  for one, source in (
    (federation.root, root_from),
    (federation.validation, validation_from),
  ):
    assert ((_ids(one.x) < 1000) == (source == 'train')).all()
    np.testing.assert_array_equal(one.y, _ids(one.x) % 10)


def test_balanced_sets_have_each_class_alike():
  federation = _build(root=ServerSet(53), validation=ServerSet(100, 'test'))
  np.testing.assert_array_equal(
    np.bincount(federation.root.y), [6] * 3 + [5] * 7
  )
  np.testing.assert_array_equal(np.bincount(federation.validation.y), 10)


def test_unbalanced_sets_are_uniform_draws():
  counts = np.bincount(_build(root=ServerSet(300, balanced=False)).root.y)
  assert len(set(counts)) > 1 and counts.sum() == 300


def test_draws_depend_on_the_seed_alone():
  first, same, other = (
    _ids(_build(seed=seed, root=ServerSet(50)).root.x) for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(first, same)
  assert not np.array_equal(first, other)


def test_root_and_validation_are_different_draws():
  alone = _build(root=ServerSet(50)).root
  other = _build(validation=ServerSet(50)).validation
  assert not np.array_equal(_ids(alone.x), _ids(other.x))


def test_num_train_draws_as_many_of_each_class():
  federation = _build(num_train=500, root=ServerSet(100))
  np.testing.assert_array_equal(np.bincount(federation.y), [50] * 10)
  assert not set(_ids(federation.x)) & set(_ids(federation.root.x))
  loose = _build(num_train=500, balanced_train=False)
  assert len(loose.y) == 500 and len(set(np.bincount(loose.y))) > 1


def test_writers_go_with_the_examples_that_are_left():
  writers = np.repeat(np.arange(20), 50).astype(np.int32)
  federation = _build(
    _dataset(writers=writers),
    partition='by_writer',
    num_clients=20,
    root=ServerSet(100),
  )
  for client in range(20):
    ids = _ids(federation.client(client).x)
    assert set(writers[ids]) == {client}


def test_the_test_set_is_no_copy_unless_examples_are_taken():
  dataset = _dataset()
  assert np.shares_memory(_build(dataset).test.x, dataset.x_test)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'partition': 'idd'}, "did you mean 'iid'"),
    ({'partition_options': {'alpha': 1.0}}, "option of partition 'iid'"),
    ({'partition': 'dirichlet'}, "needs the option 'alpha'"),
    ({'num_clients': 1001}, '1001 clients cannot share 1000'),
    ({'partition': 'by_writer'}, 'this data set does not say'),
    ({'root': ServerSet(0)}, 'root set, from train: 0 examples asked'),
    ({'root': ServerSet(201, 'test')}, 'of 200 that are left'),
    ({'validation': ServerSet(5, 'other')}, 'source of the validation set'),
    ({'num_train': 1001}, 'num_train: 1001 examples asked for, of 1000'),
    ({'root': ServerSet(500), 'num_train': 501}, 'of 500 that are left'),
  ],
)
def test_refuses_bad_input(options, message):
  with pytest.raises(ValueError, match=message):
    _build(**options)


def test_refuses_a_balanced_draw_that_a_class_cannot_give():
  dataset = _dataset(100, 50)
  y = np.where(np.arange(100) < 3, 0, 1).astype(np.int32)
  dataset = dataclasses.replace(dataset, y_train=y)
  with pytest.raises(ValueError, match='need 5 of label 0, of which 3 are'):
    _build(dataset, root=ServerSet(10))


@pytest.mark.parametrize('bad', [-1, 10])
def test_refuses_a_label_out_of_range(bad):
  dataset = _dataset(100, 50)
  y_test = dataset.y_test.copy()
  y_test[3] = bad
  with pytest.raises(ValueError, match='test labels of numbered run from'):
    _build(dataclasses.replace(dataset, y_test=y_test))


@pytest.mark.parametrize(
  ('dtype', 'scale', 'wanted'),
  [
    ('uint8', 1 / 255, (0, 255)),
    ('uint8', -1 / 255, (0, 255)),
    ('uint8', 1.0, (1, 9)),
    ('float32', 1 / 16, (1, 9)),
    ('int32', 1.0, (1, 9)),
  ],
)
def test_the_range_of_stored_numbers(dtype, scale, wanted):
  x = np.arange(1, 10).astype(dtype).reshape(9, 1)
  y = np.arange(9) % 3
  dataset = Dataset('d', x, y, x * 2, y, num_classes=3, scale=scale)
  assert _build(dataset, num_clients=2).stored_range == wanted
