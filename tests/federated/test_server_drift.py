"""The drift from the centre, measured over rounds."""

import numpy as np
import server_rounds as server
import tensorflow as tf
import tiny_federation as tiny

from flsec import aggregators
from flsec.attacks.attack import Attack
from flsec.federated import state


def test_drift_from_the_centre_over_rounds():
  # The second of three clients attacks, not in round 3.
  plan = tiny.plan(
    3,
    rule=aggregators.build('centered_clipping', radius=1.0),
    attack=tiny.attack_plan(
      Attack('x', craft=lambda own, benign, context: own),
      [False, True, False],
      stop_round=2,
      space='update',
    ),
    drift_radius=1.0,
  )
  rank = tf.constant([-1, 0, -1])
  server_state, found = state.initial_state(plan), []
  for rows in (
    [[1, 0], [0, 5], [1, 0]],
    [[1, 0], [3, 0], [1, 0]],
    [[1, 0], [1, 0], [np.nan, 0]],
  ):
    stack = server.stack_of(plan, rows, rank=rank)
    new_state, metrics = server.step(plan, stack, server_state)
    found.append(
      [
        metrics[f'escape/{name}']
        for name in ('drift_norm', 'angle_degrees', 'cosine')
      ]
    )
    server_state = tf.nest.map_structure(tf.constant, new_state)
    perturbation = new_state['perturbation'][:2]
    assert np.all(new_state['perturbation'][2:] == 0)
    expected = [[0, 1], None, [0, 0]][len(found) - 1]
    if expected:
      np.testing.assert_allclose(perturbation, expected, atol=1e-7)
  # Round 1, from 0: the row (0, 5). The result is ((1, 0) * 2 + (0, 1)) / 3.
  np.testing.assert_allclose(found[0], [5, np.nan, np.nan])
  centre = np.array([2 / 3, 1 / 3])
  drift = np.array([3, 0]) - centre
  norm = np.linalg.norm(drift)
  cosine = drift @ centre / norm / np.linalg.norm(centre)
  np.testing.assert_allclose(
    found[1],
    [norm, np.degrees(np.arccos(cosine)), drift[1] / norm],
    rtol=1e-5,
  )


def test_no_drift_is_measured_where_it_is_not_asked_for():
  plan = tiny.plan(
    3,
    rule=aggregators.build('centered_clipping', radius=1.0),
    attack=tiny.attack_plan(
      Attack('x', craft=lambda own, benign, context: own), [True, False, False]
    ),
  )
  new_state, metrics = server.step(
    plan, server.stack_of(plan, np.eye(3), rank=tf.constant([0, -1, -1]))
  )
  assert 'perturbation' not in new_state
  assert not any(name.startswith('escape/') for name in metrics)
