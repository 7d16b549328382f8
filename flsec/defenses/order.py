"""Which phases may follow which."""

from collections.abc import Sequence

from flsec.defenses.phase import MASK, SCORE, Phase


class OrderError(ValueError):
  """A phase stands where it cannot.

  Attributes:
    index: which phase.
  """

  def __init__(self, index: int, message: str):
    super().__init__(message)
    self.index = index


def check_order(
  phases: Sequence[Phase],
  *,
  is_trained: bool = False,
  has_mask: bool = False,
  has_validation: bool = False,
) -> None:
  """Refuses phases that cannot be run in their order.

  Adjusting before pruning is in order (the paper's ablation has it), deciding
  on weights that were never trained is not, nor is fine-tuning before anything
  was removed.

  Args:
    phases: at least one.
    is_trained: the run starts from trained weights.
    has_mask: something is removed from them.
    has_validation: the server has validation examples.

  Raises:
    OrderError: says what is missing.
  """
  if not phases:
    raise OrderError(0, 'at least one phase is needed, such as train.')
  for index, phase in enumerate(phases):
    if MASK in phase.needs and not has_mask:
      raise OrderError(
        index,
        f'{phase.name} trains what pruning has left, but no phase before it '
        'removes anything. Put prune before it, or say train.',
      )
    if not (is_trained or phase.rounds):
      raise OrderError(
        index,
        f'{phase.name} changes a trained model, but no phase before it trains. '
        'Put train before it, or say start_from.',
      )
    if SCORE in phase.needs and not (phase.feedback or has_validation):
      raise OrderError(
        index,
        f'{phase.name} tests what it does: it needs dataset.validation, such '
        'as `validation: {size: 500}`, or the clients (feedback: true).',
      )
    is_trained = is_trained or phase.rounds is not None
    has_mask = has_mask or phase.removes
