"""Fine-tuning: federated rounds on the pruned model, while they help."""

from collections.abc import Sequence

from flsec import registry
from flsec.defenses.phase import MASK, SCORE, Phase, Rounds, Verdict

# Accuracies are fractions, and averages of them are off by roundings.
_ROUNDING = 1e-9


@registry.phase('fine_tune', paper='Wu et al., arXiv 2020')
def fine_tune(
  *, max_rounds: int = 20, patience: int = 3, feedback: bool = False
) -> Phase:
  """Trains on after pruning until accuracy rises no more, and keeps the best.

  The rounds are those of training, with the same clients and the same
  attackers; the global counter, and so attack schedule and learning rates, goes
  on. Removed channels stay removed in every client's training and on the
  server. After each round the model is scored; when `patience` rounds in a row
  have brought nothing better the phase ends, and the model with the highest
  score is kept, the pruned one from before the first round among them.

  Args:
    max_rounds: rounds at most.
    patience: see above.
    feedback: clients score the model, and not the server on its validation
      examples.

  Returns:
    The phase.

  Raises:
    ValueError: if max_rounds or patience is below 1.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section IV-D.
  """
  for name, value in (('max_rounds', max_rounds), ('patience', patience)):
    if value < 1:
      raise ValueError(f'fine_tune needs {name} >= 1; got {value}.')
  return Phase(
    'fine_tune',
    needs=frozenset({MASK, SCORE}),
    rounds=Rounds(max_rounds, lambda scores: verdict(scores, patience)),
    feedback=feedback,
  )


def verdict(scores: Sequence[float], patience: int) -> Verdict:
  """Judges the scores so far; of equal ones the first is the best.

  Args:
    scores: at least one; scores[0] is from before the first round.
    patience: rounds without anything better after which it is over.
  """
  best = 0
  for number, score in enumerate(scores):
    if score > scores[best] + _ROUNDING:
      best = number
  return Verdict(len(scores) - 1 - best >= patience, best)
