"""False reports: malicious clients that lie to a pruning defence."""

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext, Observed

LIES = ('triggered', 'reversed')


@registry.attack('false_reports', paper='Wu et al., arXiv 2020')
def false_reports(*, report: str = 'triggered') -> Attack:
  """Lies about which channels are dormant, so that the backdoor's stay.

  Composed with the attack that trains the backdoor:

    triggered: reports the activations max(clean, triggered), the second those
      on the victims' images with their trigger: the backdoor's channels rise,
      and none falls. The paper's attackers do so: they rank backdoor neurons
      above essential ones.
    reversed: reports the reverse of the truth: rank C + 1 - r, bit 1 - b.

  Where clients are asked how accurate candidates are, both say that the model
  is perfect as it is and worthless after any change.

  Args:
    report: 'triggered' or 'reversed'.

  Returns:
    The attack, with the hook `report`.

  Raises:
    ValueError: an unknown report.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section VI-C.
  """
  if report not in LIES:
    raise ValueError(
      registry.unknown_name(
        'report of false_reports', report, dict.fromkeys(LIES)
      )
    )

  def lie(
    honest: tf.Tensor, observed: Observed, context: AttackContext
  ) -> tf.Tensor:
    del context
    if observed.kind == 'accuracies':
      is_first = tf.equal(tf.range(tf.shape(honest)[0]), 0)
      return tf.cast(is_first, honest.dtype)
    if report == 'triggered':
      raised = tf.maximum(observed.clean, observed.triggered)
      return observed.honest_report(raised)
    highest = 1 if observed.kind == 'bits' else honest.shape[0] + 1
    return highest - honest

  return Attack('false_reports', report=lie)
