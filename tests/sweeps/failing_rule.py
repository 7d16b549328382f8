"""A plugin whose rule is fine until it is used."""

from flsec import registry
from flsec.aggregators.rule import Rule, stateless


@registry.aggregator('doomed')
def doomed() -> Rule:
  """Fail in the first round."""

  def aggregate(updates, weights, context):
    raise KeyError('there is no way')

  return stateless('doomed', aggregate)
