"""Each client holds K labels only."""

import numpy as np
from absl import logging

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('k_label', paper='Wu et al., arXiv 2020')
def k_label(
  labels: np.ndarray,
  num_clients: int,
  *,
  num_labels: int,
  assignment: str = 'dealt',
  seed: int = 0,
) -> list[np.ndarray]:
  """Give each client examples of `num_labels` labels only.

  Labels are dealt from shuffled copies of the list of all C labels, so that
  each label has floor(N K / C) holders or one more, and no client the same
  label twice; or every client draws its K labels at random, apart from the
  others, as the paper has it: then the number of holders varies. A label's
  examples are shared equally among its holders. Where a label has no holder its
  examples stay unused, and a warning says so.

  Args:
    labels: whole numbers [M], C of which differ.
    num_clients: number of clients N.
    num_labels: K, from 1 to C.
    assignment: 'dealt' or 'random', see above.
    seed: of every draw.

  Returns:
    N ascending index arrays, disjoint; every example of a held label is used.

  Raises:
    ValueError: K out of range, an unknown assignment, or a label with fewer
      examples than holders.

  References:
    Wu et al., "Mitigating Backdoor Attacks in Federated Learning", arXiv
    2020, section V-A.
  """
  names, classes = ownership.checked_classes(labels, num_clients)
  if not 1 <= num_labels <= len(names):
    raise ValueError(
      f'num_labels must be from 1 to the {len(names)} labels there are; got '
      f'{num_labels}.'
    )
  if assignment not in ASSIGNMENTS:
    raise ValueError(
      registry.unknown_name('assignment of k_label', assignment, ASSIGNMENTS)
    )
  rng = ownership.partition_generator(seed)
  assign = ASSIGNMENTS[assignment]
  holds = assign(num_clients, num_labels, len(names), rng)  # [N, C]
  totals = np.bincount(classes)
  _check_holders(names, totals, holds.sum(axis=0))
  counts = np.zeros(holds.shape, np.int64)
  for label, total in enumerate(totals):
    holders = rng.permutation(np.flatnonzero(holds[:, label]))
    if len(holders):
      counts[holders, label] = ownership.dealt(total, len(holders))
  owners = ownership.owners_from_counts(classes, counts, rng)
  return ownership.indices_by_owner(owners, num_clients)


def deal_labels(
  num_clients: int,
  num_labels: int,
  num_classes: int,
  rng: np.random.Generator,
) -> np.ndarray:
  """Deals labels from shuffled copies of the list of all labels.

  A client whose hand begins at the end of one copy takes from the next copy
  only labels that it lacks; what it passes over stays in that copy.

  Returns:
    bool [num_clients, num_classes]: who holds what.
  """
  holds = np.zeros((num_clients, num_classes), bool)
  deck = rng.permutation(num_classes)
  for client in rng.permutation(num_clients):
    hand, deck = deck[:num_labels], deck[num_labels:]
    if len(hand) < num_labels:
      copy = rng.permutation(num_classes)
      fresh = copy[~np.isin(copy, hand)][: num_labels - len(hand)]
      deck = copy[~np.isin(copy, fresh)]
      hand = np.concatenate([hand, fresh])
    holds[client, hand] = True
  return holds


def draw_labels(
  num_clients: int,
  num_labels: int,
  num_classes: int,
  rng: np.random.Generator,
) -> np.ndarray:
  """Lets every client draw its labels, without replacement.

  Returns:
    bool [num_clients, num_classes]: who holds what.
  """
  holds = np.zeros((num_clients, num_classes), bool)
  for client in range(num_clients):
    holds[client, rng.choice(num_classes, num_labels, replace=False)] = True
  return holds


ASSIGNMENTS = {'dealt': deal_labels, 'random': draw_labels}


def _check_holders(
  names: np.ndarray, totals: np.ndarray, holders: np.ndarray
) -> None:
  short = np.flatnonzero(totals < holders)
  if len(short):
    label = short[0]
    raise ValueError(
      f'Label {names[label]} has {totals[label]} examples for '
      f'{holders[label]} clients that hold it. Lower num_clients or '
      'num_labels.'
    )
  unheld = names[holders == 0]
  if len(unheld):
    logging.warning(
      'k_label: no client holds the labels %s; their %d examples stay unused. '
      'Raise num_clients or num_labels.',
      unheld.tolist(),
      totals[holders == 0].sum(),
    )
