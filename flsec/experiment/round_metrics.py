"""Turns what a round's computation returns into named numbers."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec.aggregators.rule import Rule
from flsec.experiment.summary import ABOVE_F
from flsec.metrics import detection

_ROWS = ('rank', 'loss', 'norm', 'is_finite', 'selected')
_PASSED_ON = ('rule/', 'attack/', 'escape/')


def round_metrics(
  output: Mapping[str, Any],
  rule: Rule,
  num_byzantine_told: Optional[int] = None,
) -> dict[str, float]:
  """Names the measurements of a round.

  Clients without examples take no part, and are counted alone.

  Args:
    output: the metrics struct of `federated.server_step`.
    rule: that aggregated; tells which of its shares mean something.
    num_byzantine_told: f, where the rule was told one and there is an attack.

  Returns:
    train/loss (nats, mean over benign clients); update_norm/benign_mean and
    .../malicious_mean (l2, of finite updates) and .../aggregate; of a rule that
    leaves out rows rule/selected_benign and .../selected_malicious (rows with a
    share in the result), .../precision and .../recall, of one whose rows have
    shares .../malicious_share (see `metrics.detection`), and every scalar that
    the rule measured; attack/cosine_to_benign and escape/...;
    clients/participating and clients/malicious, clients/malicious_above_f (how
    many more than f), clients/empty (where there are any);
    pruning/<layer>/units (pruned in this round); time/<stage>_seconds of the
    server's stages.
  """
  values = {name: np.asarray(value) for name, value in output.items()}
  has_examples = values['weight'] > 0
  rows = {name: values[name][has_examples] for name in _ROWS}
  malicious = rows['rank'] >= 0
  metrics = {
    'clients/participating': len(malicious),
    'clients/malicious': int(malicious.sum()),
    'train/loss': _mean(rows['loss'][~malicious]),
    'update_norm/benign_mean': _mean(
      rows['norm'][~malicious & rows['is_finite']]
    ),
  }
  if num_byzantine_told is not None:
    above = max(0, int(malicious.sum()) - num_byzantine_told)
    metrics[ABOVE_F] = above
  if not has_examples.all():
    metrics['clients/empty'] = int((~has_examples).sum())
  if malicious.any():
    metrics['update_norm/malicious_mean'] = _mean(
      rows['norm'][malicious & rows['is_finite']]
    )
  metrics['update_norm/aggregate'] = float(values['update_norm'])
  metrics.update(_selection(rows['selected'], malicious, rule))
  metrics.update(passed_on(values))
  for name, value in values.items():
    if name.startswith('pruning/') and name.endswith('/units'):
      metrics[name] = int((value >= 0).sum())
    if name.startswith('seconds/'):
      stage = name[len('seconds/') :]
      metrics[f'time/{stage}_seconds'] = value.item()
  return metrics


def passed_on(output: Mapping[str, Any]) -> dict[str, float]:
  """Names what is known of a round without its clients' own numbers."""
  metrics: dict[str, float] = {'rule/num_dropped': int(output['num_dropped'])}
  for name, value in output.items():
    value = np.asarray(value)
    if name.startswith(_PASSED_ON) and value.ndim == 0:
      metrics[name] = value.item()
  return metrics


def _selection(
  selected: np.ndarray, malicious: np.ndarray, rule: Rule
) -> dict[str, float]:
  found = detection.detection(selected, malicious)
  named = {
    name.replace('detection/', 'rule/'): value.numpy().item()
    for name, value in found.items()
  }
  share = named.pop('rule/malicious_share')
  if not malicious.any():
    named = {'rule/selected_benign': named['rule/selected_benign']}
  if not rule.leaves_out_rows:
    named = {}
  if rule.has_shares and malicious.any():
    named['rule/malicious_share'] = share
  return named


def _mean(values: np.ndarray) -> float:
  return float(values.mean()) if values.size else float('nan')
