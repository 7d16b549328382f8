"""What has to hold of FedER on any stack of rows."""

import feder_cases as cases
import feder_reference
import numpy as np
import pytest
import server_cases

from flsec import aggregators


def test_one_client_is_scaled_to_the_servers_length():
  root = np.array([3.0, -4.0, 0, 0])
  found, _ = cases.run([[30, -40, 1, 2]], root)
  np.testing.assert_allclose(found, [30, -40, 0, 0], atol=1e-5)  # n3 = 1.
  found, _ = cases.run([[0.3, -0.4, 0.01, 0.02]], root)
  np.testing.assert_allclose(found, root, atol=1e-6)


@pytest.mark.parametrize('rows', [1, 2, 9])
def test_identical_rows_are_as_one(rows):
  x, root = cases.hard_stack(200)
  one, _ = cases.run(x[:1], root)
  found, measured = cases.run(np.repeat(x[:1], rows, axis=0), root)
  np.testing.assert_allclose(found, one, rtol=1e-5, atol=1e-6)
  np.testing.assert_allclose(measured['selected'], 1 / rows, rtol=1e-6)


@pytest.mark.parametrize(
  ('rows', 'root', 'num_empty'),
  [
    ([[-4, 3, 0, 0], [-1, 0, 0, 5]], [4, -3, 1, 0.5], 0),  # C < 0.
    ([[0, 0, 2, 1]], [4, -3, 1, 0.5], 1),  # An empty mask.
    ([[0, 0, 0, 0]], [4, -3, 1, 0.5], 1),
    ([[1, 2, 3, 4]], [0, 0, 0, 0], None),
  ],
)
def test_nobody_to_trust_gives_the_zero_update(rows, root, num_empty):
  found, measured = cases.run(rows, root)
  np.testing.assert_array_equal(found, np.zeros(4))
  np.testing.assert_array_equal(measured['selected'], np.zeros(len(rows)))
  assert (measured['no_trust'], measured['num_trusted']) == (1, 0)
  assert num_empty is None or measured['num_empty'] == num_empty
  assert measured['received_entries'] == 0


def test_one_client_to_trust_is_enough():
  # The second is opposed to the server's update.
  _, measured = cases.run([[4, -3, 1, 0.5], [-4, 3, -1, -0.5]], [4, -3, 1, 0.5])
  assert (measured['no_trust'], measured['num_trusted']) == (0, 1)
  np.testing.assert_allclose(measured['selected'][1], 0)


def test_the_support_lies_in_the_servers_mask():
  x, root = cases.hard_stack(500)
  for fraction in (0.3, 0.9):
    count = round(500 * (1 - fraction))
    mask = feder_reference.top_mask(root, count, cases.order_of(500))
    found, measured = cases.run(x, root, fraction=fraction)
    assert np.all(found[~mask] == 0)
    assert 0 < measured['received_entries'] <= count
    assert np.all(measured['sent_entries'] <= count)


def test_the_order_of_clients_does_not_matter():
  x, root = cases.hard_stack(300)
  order = np.random.default_rng(0).permutation(len(x))
  plain, measured = cases.run(x, root)
  found, mixed = cases.run(x[order], root)
  np.testing.assert_allclose(found, plain, atol=1e-5)
  np.testing.assert_allclose(mixed['trust'], measured['trust'][order])


@pytest.mark.parametrize('factor', [1e-6, 1000.0, 1e30])
def test_a_row_counts_the_same_at_any_length(factor):
  # s is the smallest mean magnitude, and that of another row.
  x, root = cases.hard_stack(60)
  x[1] = root * np.float32(1e-8)
  plain, _ = cases.run(x, root)
  x[0] *= np.float32(factor)
  np.testing.assert_allclose(cases.run(x, root)[0], plain, rtol=1e-4, atol=1e-5)


def test_the_result_grows_with_rows_and_root():
  x, root = cases.hard_stack(60)
  plain, _ = cases.run(x, root)
  for factor in (1e-8, 1e-3, 1e4):
    factor = np.float32(factor)
    found, _ = cases.run(x * factor, root * factor)
    np.testing.assert_allclose(found / factor, plain, rtol=1e-4, atol=1e-5)


def test_it_is_odd():
  x, root = cases.hard_stack(60)
  np.testing.assert_allclose(
    cases.run(-x, -root)[0], -cases.run(x, root)[0], atol=1e-6
  )


def test_rows_that_are_not_finite_change_nothing():
  x, root = cases.hard_stack(60)
  plain, _ = cases.run(x, root)
  bad = np.full((2, 60), np.nan, np.float32)
  bad[1] = root
  bad[1, 5] = np.inf
  found, measured = cases.run(np.concatenate([x[:4], bad, x[4:]]), root)
  np.testing.assert_allclose(found, plain, atol=1e-6)
  assert measured['num_dropped'] == 2
  assert measured['sent_entries'][4:6].tolist() == [0, 0]


@pytest.mark.parametrize('size', [1e20, 3e38])
def test_huge_rows_never_give_nan(size):
  x, root = cases.hard_stack(60)
  x[:5] = np.sign(root) * np.float32(size)
  found, _ = cases.run(x, root)
  assert np.all(np.isfinite(found))


def test_it_compiles_under_xla():
  x, root = cases.hard_stack(100)
  rule = aggregators.build('feder', fraction=0.5, screened=False)
  found, _ = server_cases.run(rule, x, cases.rooted(root), compiled=True)
  np.testing.assert_allclose(found, cases.run(x, root)[0], atol=1e-5)
