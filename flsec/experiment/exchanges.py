"""Exchanges with all clients beside the rounds: votes, and tests."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec.defenses import feedback
from flsec.defenses.phase import Question, Reports
from flsec.experiment.clients import Clients
from flsec.federated import client_tests, reports

Output = Mapping[str, Any]


def ask(clients: Clients, question: Question, state: Any) -> Output:
  """Asks every client for its report.

  Returns:
    The output of `reports.build_reports`, as lists of numbers.

  Raises:
    ValueError: if no report is valid.
  """
  output = clients.exchange(
    question,
    lambda: reports.build_reports(clients.assembled.plan, question),
    reports.asked_state(state),
  )
  if not output['valid']:
    raise ValueError(
      f'None of the {output["dropped"]} reports of clients is valid, so that '
      'nothing can be pruned by them.'
    )
  return output


def reports_of(output: Output) -> Reports:
  """Returns what a decision is told of the clients' reports."""
  sums = np.array(output['sums'], np.int64)
  return Reports(sums, output['valid'], output['dropped'])


def test(
  clients: Clients,
  state: Any,
  *,
  layer: Optional[str] = None,
  zeroed_at: Optional[np.ndarray] = None,
  num_points: int = 1,
) -> Output:
  """Lets every client test candidates; see `client_tests.build_client_tests`.

  Returns:
    Its output, as lists of numbers.
  """
  return clients.exchange(
    ('tests', layer, num_points),
    lambda: client_tests.build_client_tests(
      clients.assembled.plan, layer=layer, num_points=num_points
    ),
    client_tests.tests_state(state, zeroed_at),
  )


def accuracies_of(output: Output) -> list[float]:
  """Returns one accuracy for each candidate that clients have tested."""
  found = feedback.combine(output['accuracies'], output['count'])
  return found.accuracies.tolist()


def accuracy_since(first: Output, now: Output) -> float:
  """Returns the accuracy of weights, beside what clients said before.

  Both tests are of one candidate each, by the same clients; so no client may
  claim that it has changed by more than feedback lets it.
  """
  pairs = np.concatenate([first['accuracies'], now['accuracies']], axis=1)
  return float(feedback.combine(pairs, now['count']).accuracies[1])
