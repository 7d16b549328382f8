"""LFR: drops the clients whose absence helps the validation loss most."""

from typing import Optional

from flsec import registry
from flsec.aggregators.rejection import rejection_rule
from flsec.aggregators.rule import Rule


@registry.aggregator(
  'loss_rejection', paper='Fang et al., USENIX Security 2020'
)
def loss_rejection(
  *,
  rule: Rule,
  num_rejected: Optional[int] = None,
  num_byzantine: Optional[int] = None,
  single_update: bool = False,
) -> Rule:
  """Rejects by validation loss, then applies a rule to the rest (LFR).

  As `error_rate_rejection`, with the mean cross-entropy (nats) in the place of
  the error rate. A loss that is not finite counts as infinite.

  Args:
    rule: A, as in `error_rate_rejection`.
    num_rejected: c, 0 or more; give it or num_byzantine.
    num_byzantine: f, another name for c.
    single_update: whether a client is judged by its own update alone.

  Raises:
    ValueError: an option is out of its range; no validation examples.

  References:
    Fang, Cao, Jia, Gong. Local model poisoning attacks to Byzantine-robust
    federated learning. USENIX Security 2020, Section 5.
  """
  return rejection_rule(
    'loss_rejection',
    ('loss',),
    rule,
    num_rejected,
    num_byzantine,
    single_update,
  )
