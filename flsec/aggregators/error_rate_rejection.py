"""ERR: drops the clients whose absence helps validation accuracy most."""

from typing import Optional

from flsec import registry
from flsec.aggregators.rejection import rejection_rule
from flsec.aggregators.rule import Rule


@registry.aggregator(
  'error_rate_rejection', paper='Fang et al., USENIX Security 2020'
)
def error_rate_rejection(
  *,
  rule: Rule,
  num_rejected: Optional[int] = None,
  num_byzantine: Optional[int] = None,
  single_update: bool = False,
) -> Rule:
  """Rejects by validation error rate, then applies a rule to the rest (ERR).

  With A the rule and w the global weights, client i's impact is
  `err(w + A(all)) - err(w + A(all but i))` on the server's validation examples;
  the c clients of largest impact are rejected, ties in an order drawn anew
  from the seed in each round (they are frequent, and malicious clients often
  have the lowest ids). The server's learning rate is taken as 1.

  Args:
    rule: A; applied n + 1 times a round (with `mean`, n weighted sums).
    num_rejected: c, 0 or more; give it or num_byzantine.
    num_byzantine: f, another name for c: one rejected for each.
    single_update: whether a client is judged by `err(w + x_i)`, its own update
      alone, as in the AGRAMPLIFIER code.

  Raises:
    ValueError: an option is out of its range; no validation examples.

  References:
    Fang, Cao, Jia, Gong. Local model poisoning attacks to Byzantine-robust
    federated learning. USENIX Security 2020, Section 5.
  """
  return rejection_rule(
    'error_rate_rejection',
    ('error',),
    rule,
    num_rejected,
    num_byzantine,
    single_update,
  )
