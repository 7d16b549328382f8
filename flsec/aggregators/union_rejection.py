"""ERR + LFR: drops the clients that either of the two would drop."""

from typing import Optional

from flsec import registry
from flsec.aggregators.rejection import rejection_rule
from flsec.aggregators.rule import Rule


@registry.aggregator(
  'union_rejection', paper='Fang et al., USENIX Security 2020'
)
def union_rejection(
  *,
  rule: Rule,
  num_rejected: Optional[int] = None,
  num_byzantine: Optional[int] = None,
  single_update: bool = False,
) -> Rule:
  """Rejects by error rate and by loss, then applies a rule (ERR + LFR).

  Clients that `error_rate_rejection` or `loss_rejection` rejects are rejected:
  c to 2 c of them. Where that leaves fewer than the rule is defined for (1 for
  `mean`), as many as it needs stay, those of smallest rank(error impact) +
  rank(loss impact), ties as in `error_rate_rejection`.

  Args:
    rule: A, as in `error_rate_rejection`.
    num_rejected: c by each criterion, 0 or more; give it or num_byzantine.
    num_byzantine: f, another name for c.
    single_update: whether a client is judged by its own update alone.

  Raises:
    ValueError: an option is out of its range; no validation examples.

  References:
    Fang, Cao, Jia, Gong. Local model poisoning attacks to Byzantine-robust
    federated learning. USENIX Security 2020, Section 5.
  """
  return rejection_rule(
    'union_rejection',
    ('error', 'loss'),
    rule,
    num_rejected,
    num_byzantine,
    single_update,
  )
