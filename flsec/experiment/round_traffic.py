"""What a client sends and receives in a round."""

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec.metrics import communication


def round_traffic(
  output: Mapping[str, Any], dimension: int
) -> dict[str, float]:
  """Measures a client's communication in MiB (2^20 bytes).

  A rule that prunes what is sent measures `keep_fraction`, the share of entries
  that are left; `sent_entries` of each client and `received_entries` of its
  result, those that are not zero. Of other rules all weights go both ways.

  Args:
    output: the metrics struct of `federated.server_step`.
    dimension: d, entries of the weight vector.

  Returns:
    communication/volume_mib, both ways, as the FedER paper counts, from
    `keep_fraction`; communication/up_mib, the mean over the clients whose rows
    were not dropped, and communication/down_mib, the round's result, from the
    entries that are not zero.
  """

  def measured(name: str) -> Optional[np.ndarray]:
    value = output.get(f'rule/{name}')
    return None if value is None else np.asarray(value)

  kept, received = measured('keep_fraction'), measured('received_entries')
  sent = measured('sent_entries')
  if sent is not None:
    # Rows that were dropped have 0 here: what they held was not counted.
    counted = max(len(sent) - int(output['num_dropped']), 1)
    sent = float(sent.sum()) / counted
  return {
    'communication/volume_mib': communication.round_volume_mib(
      dimension, None if kept is None else float(kept)
    ),
    'communication/up_mib': communication.message_mib(dimension, sent),
    'communication/down_mib': communication.message_mib(
      dimension, None if received is None else int(received)
    ),
  }
