"""Which rows an update attack may look at, and how its rows are sent."""

from typing import Any, Callable

import tensorflow as tf

from flsec.attacks import attack as attack_lib

# (rows float32 [r, d] that the attacker knows, context) -> vector [d].
CraftVector = Callable[[tf.Tensor, attack_lib.AttackContext], tf.Tensor]


def branch(
  num_rows: Any, when_some: Callable[[], Any], when_none: Callable[[], Any]
) -> Any:
  """Takes one of two branches by whether there are rows.

  Args:
    num_rows: a row count; where TensorFlow knows it statically (always under
      XLA) only the branch taken is traced.
    when_some: called where there is at least one row.
    when_none: called where there is none; of the same structure.

  Returns:
    What the branch taken returns.
  """
  known = tf.get_static_value(num_rows)
  if known is None:
    return tf.cond(num_rows > 0, when_some, when_none)
  return when_some() if known > 0 else when_none()


def num_rows(rows: tf.Tensor) -> tf.Tensor:
  """Returns the row count, static where it is known."""
  if rows.shape[0] is not None:
    return tf.constant(rows.shape[0], tf.int32)
  return tf.shape(rows)[0]


def known_rows(own: tf.Tensor, benign: tf.Tensor) -> tf.Tensor:
  """Returns the rows whose statistics the attacker computes.

  Under full knowledge these are the benign rows alone (the attackers' own
  honest rows are not sent, so they do not count); under partial knowledge
  `benign` is empty and the attackers make do with their own honest rows.

  Args:
    own: float32 [c, d], the malicious clients' honestly computed updates.
    benign: float32 [m, d]; m = 0 unless knowledge is full.

  Returns:
    float32 [m, d] if m > 0, else [c, d]. No copy is made.
  """
  return branch(num_rows(benign), lambda: benign, lambda: own)


def same_for_all(craft_vector: CraftVector) -> attack_lib.Craft:
  """Turns a rule for one vector into a craft: all malicious clients send it.

  With no malicious client in the round nothing is computed and the empty
  `own` comes back.

  Args:
    craft_vector: `(rows [r, d], context) -> [d]`, r >= 1.

  Returns:
    `craft(own [c, d], benign [m, d], context) -> [c, d]`.
  """

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    def crafted() -> tf.Tensor:
      vector = craft_vector(known_rows(own, benign), context)
      return tf.broadcast_to(vector, tf.shape(own))  # [c, d]

    return branch(num_rows(own), crafted, lambda: own)

  return craft


def round_seed(context: attack_lib.AttackContext, name: str) -> tf.Tensor:
  """Returns the context's seed.

  Draws from it name their generator (alg='philox'), which gives the same
  numbers with and without XLA.

  Raises:
    ValueError: if the context has none.
  """
  if context.seed is None:
    raise ValueError(
      f'Attack {name} draws random numbers and got AttackContext.seed=None. '
      'Give it a stateless seed, int32 [2].'
    )
  return context.seed


def require_non_negative(name: str, option: str, value: float) -> None:
  """Refuses a negative or non-finite option.

  Raises:
    ValueError: names the attack, the option, the bound and the value.
  """
  if not 0 <= value < float('inf'):
    raise ValueError(
      f'Attack {name} needs a finite {option} >= 0; got {value}. The formula '
      'holds the minus sign already.'
    )


def require_choice(
  name: str, option: str, value: str, allowed: tuple[str, ...]
) -> None:
  """Refuses a value outside a list.

  Raises:
    ValueError: names the attack, the option, the value and the list.
  """
  if value not in allowed:
    raise ValueError(
      f'Attack {name}: {option} must be one of {", ".join(allowed)}; '
      f'got {value!r}.'
    )
