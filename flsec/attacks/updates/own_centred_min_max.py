"""Min-Max as AGRAMPLIFIER's code has it: each attacker about its own update."""

import tensorflow as tf

from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import distance_search
from flsec.numerics import columns, gram, moments, scale_search


def build(initial_scale: float, tolerance: float) -> attack_lib.Attack:
  """Builds the attack that `min_max` documents as `replication: agramplifier`.

  Raises:
    ValueError: if an option is outside its range.
  """
  distance_search.check_options('min_max', 'std', initial_scale, tolerance)

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context

    def crafted() -> tf.Tensor:
      known = known_rows.known_rows(own, benign)
      return _crafted(own, known, initial_scale, tolerance)

    return known_rows.branch(known_rows.num_rows(own), crafted, lambda: own)

  return attack_lib.Attack(
    name='min_max',
    craft=craft,
    default_knowledge='full',
    minimum_known_rows=2,
  )


def _crafted(
  own: tf.Tensor, known: tf.Tensor, initial_scale: float, tolerance: float
) -> tf.Tensor:
  """Returns own [c, d], each row less its gamma times the std of `known`."""
  count = columns.num_rows(known)
  total = count + columns.num_rows(own)

  def visit(block: tf.Tensor) -> tuple[columns.Tensors, columns.Tensors]:
    middle, _, squares = moments.centred(block[:count])
    std = moments.sample_std(squares)
    deviations = block - middle
    along = tf.cast(tf.linalg.matvec(deviations, std), tf.float64)
    return (std,), (gram.block_products(deviations), along)

  zeros = (tf.zeros([total, total], tf.float64), tf.zeros([total], tf.float64))
  # A second stack, which no other rule or attack makes: own rows and known ones
  # are two tensors, and the walk goes over one.
  std, products, along = columns.ask(
    tf.concat([known, own], axis=0), columns.Asker(visit, (own.dtype,), zeros)
  )
  distances = gram.distances_between(products)
  bound = tf.sqrt(tf.reduce_max(distances[:count, :count]))
  std_square = distance_search.squared_norm(std)

  def gamma_of(given: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    to_known, slopes = given

    def is_near(gamma: tf.Tensor) -> tf.Tensor:
      # |own - gamma * std - b_i|^2, against a distance that is not squared.
      squares = to_known + 2 * gamma * slopes + tf.square(gamma) * std_square
      return tf.reduce_max(squares) <= bound

    return scale_search.largest_scale(
      is_near, initial=initial_scale, tolerance=tolerance
    )

  slopes = along[None, :count] - along[count:, None]  # [c, r]
  gammas = tf.map_fn(
    gamma_of,
    (distances[count:, :count], slopes),
    fn_output_signature=tf.TensorSpec([], tf.float64),
  )
  return own - tf.cast(gammas, own.dtype)[:, None] * std
