"""Which clients are malicious, and which take part in a round."""

from collections.abc import Sequence
from typing import Optional

import numpy as np

from flsec import registry
from flsec.seeds import generator

SCHEMES = ('all', 'uniform', 'fixed_malicious', 'attack_frequency')


def place_malicious(
  num_clients: int,
  num_byzantine: int,
  seed: int,
  indices: Optional[Sequence[int]] = None,
  *,
  among: Optional[Sequence[int]] = None,
) -> np.ndarray:
  """Chooses the malicious clients, once for a whole run.

  Args:
    num_clients: number of clients N.
    num_byzantine: how many of them are malicious, from 0 to N.
    seed: root seed of the draw.
    indices: which ones, instead of a draw; num_byzantine distinct ids.
    among: the ids that are drawn from; None: all.

  Returns:
    bool [N].

  Raises:
    ValueError: a count or an index out of range.
  """
  if not 0 <= num_byzantine <= num_clients:
    raise ValueError(
      f'num_byzantine must be from 0 to the {num_clients} clients; got '
      f'{num_byzantine}.'
    )
  if indices is None:
    candidates = np.arange(num_clients) if among is None else np.unique(among)
    if len(candidates) < num_byzantine:
      raise ValueError(
        f'num_byzantine must be at most the {len(candidates)} clients that may '
        f'be malicious, {candidates.tolist()}; got {num_byzantine}.'
      )
    rng = generator(seed, 'malicious placement')
    indices = rng.choice(candidates, num_byzantine, replace=False)
  ids = np.asarray(indices, np.int64)
  if len(ids) != num_byzantine or len(np.unique(ids)) != len(ids):
    raise ValueError(
      f'indices must name num_byzantine={num_byzantine} different clients; '
      f'got {ids.tolist()}.'
    )
  if len(ids) and not (ids.min() >= 0 and ids.max() < num_clients):
    raise ValueError(
      f'indices must be from 0 to {num_clients - 1}; got {ids.tolist()}.'
    )
  malicious = np.zeros(num_clients, bool)
  malicious[ids] = True
  return malicious


def select(
  scheme: str,
  round_number: int,
  num_clients: int,
  malicious: np.ndarray,
  seed: int,
  *,
  num_selected: Optional[int] = None,
  num_malicious_selected: Optional[int] = None,
  attack_frequency: Optional[float] = None,
) -> np.ndarray:
  """Chooses the clients of a round, from (seed, round_number) alone.

    all:              every client.
    uniform:          num_selected of them, without replacement; how many are
                      malicious is left to chance.
    fixed_malicious:  num_malicious_selected of the malicious clients, the
                      others honest.
    attack_frequency: rounds that are multiples of 1 / attack_frequency are
                      chosen as by fixed_malicious; other rounds have
                      num_selected honest clients only.

  Args:
    scheme: one of the above.
    round_number: the round, from 1.
    num_clients: number of clients N.
    malicious: bool [N], from `place_malicious`.
    seed: root seed.
    num_selected: clients in a round, from 1 to N; N or None with `all`.
    num_malicious_selected: malicious ones among them, None meaning all that
      there are; only taken by the last two schemes.
    attack_frequency: 1, 1/2, 1/3, ...; only taken by `attack_frequency`.

  Returns:
    Ascending int64 client ids.

  Raises:
    ValueError: unknown scheme, an option that the scheme lacks or does not
      take, or more clients wanted than there are.
  """
  given = {
    'num_selected': num_selected,
    'num_malicious_selected': num_malicious_selected,
    'attack_frequency': attack_frequency,
  }
  _check_given(scheme, given)
  _check_numbers(num_clients, malicious, num_selected)
  if scheme == 'all':
    return _all(num_clients, num_selected)
  rng = generator(seed, 'selection', round_number)
  if scheme == 'uniform':
    return np.sort(rng.choice(num_clients, num_selected, replace=False))
  if num_malicious_selected is None:
    num_malicious_selected = int(malicious.sum())
  if scheme == 'attack_frequency' and (
    round_number % attack_period(attack_frequency)
  ):
    num_malicious_selected = 0
  return _mixed(malicious, num_selected, num_malicious_selected, rng)


def _check_numbers(
  num_clients: int, malicious: np.ndarray, num_selected: Optional[int]
) -> None:
  if len(malicious) != num_clients:
    raise ValueError(
      f'malicious must be bool [{num_clients}]; got [{len(malicious)}].'
    )
  if num_selected is not None and not 1 <= num_selected <= num_clients:
    raise ValueError(
      f'num_selected must be from 1 to the {num_clients} clients; got '
      f'{num_selected}.'
    )


def _all(num_clients: int, num_selected: Optional[int]) -> np.ndarray:
  if num_selected not in (None, num_clients):
    raise ValueError(
      f"Selection 'all' takes all {num_clients} clients; got num_selected="
      f"{num_selected}. Use 'uniform' to draw fewer."
    )
  return np.arange(num_clients)


def attack_period(attack_frequency: float) -> int:
  """Returns the rounds from one attack to the next, 1 / attack_frequency.

  Raises:
    ValueError: if that is not a whole number of at least 1.
  """
  period = round(1 / attack_frequency) if attack_frequency > 0 else 0
  if period < 1 or abs(period * attack_frequency - 1) > 1e-2 / period:
    raise ValueError(
      'attack_frequency must be 1, 1/2, 1/3, ..., so that attacks come every '
      f'whole number of rounds; got {attack_frequency}.'
    )
  return period


def _check_given(scheme: str, given: dict) -> None:
  """Refuses an unknown scheme, and options that it lacks or does not take."""
  if scheme not in SCHEMES:
    allowed = dict.fromkeys(SCHEMES)
    raise ValueError(registry.unknown_name('selection', scheme, allowed))
  needed = {
    'all': (),
    'uniform': ('num_selected',),
    'fixed_malicious': ('num_selected',),
    'attack_frequency': ('num_selected', 'attack_frequency'),
  }[scheme]
  optional = {
    'all': ('num_selected',),
    'uniform': (),
    'fixed_malicious': ('num_malicious_selected',),
    'attack_frequency': ('num_malicious_selected',),
  }[scheme]
  for name, value in given.items():
    if value is None and name in needed:
      raise ValueError(f'Selection {scheme!r} needs {name}.')
    if value is not None and name not in (*needed, *optional):
      raise ValueError(f'Selection {scheme!r} takes no {name}; got {value}.')


def _mixed(
  malicious: np.ndarray,
  num_selected: int,
  num_malicious_selected: int,
  rng: np.random.Generator,
) -> np.ndarray:
  """Draws given numbers of malicious and of honest clients."""
  num_honest = num_selected - num_malicious_selected
  groups = (
    ('malicious', np.flatnonzero(malicious), num_malicious_selected),
    ('honest', np.flatnonzero(~malicious), num_honest),
  )
  chosen = []
  for name, group, wanted in groups:
    if not 0 <= wanted <= len(group):
      raise ValueError(
        f'The round needs {wanted} {name} clients (num_selected='
        f'{num_selected}, num_malicious_selected={num_malicious_selected}); '
        f'there are {len(group)}. Change these numbers, or use more clients.'
      )
    chosen.append(rng.choice(group, wanted, replace=False))
  return np.sort(np.concatenate(chosen))


def holders(
  y: np.ndarray, offsets: np.ndarray, labels: Sequence[int]
) -> np.ndarray:
  """Returns the ids of the clients that hold an example of some class.

  Args:
    y: labels of all clients' examples, client after client.
    offsets: client i holds those from offsets[i] to offsets[i + 1].
    labels: the classes.
  """
  places = np.flatnonzero(np.isin(y, labels))
  return np.unique(np.searchsorted(offsets, places, side='right') - 1)
