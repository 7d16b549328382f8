"""What a client sends and receives, by hand."""

import numpy as np
import pytest

from flsec.experiment.round_traffic import round_traffic

DIMENSION = 2**18  # 1 MiB of float32.
MASK = 2**18 / 8 / 2**20


def test_all_weights_go_both_ways_where_nothing_is_pruned():
  output = {'num_dropped': np.int32(3), 'rule/trust': np.ones(4)}
  assert round_traffic(output, DIMENSION) == {
    'communication/volume_mib': 2.0,
    'communication/up_mib': 1.0,
    'communication/down_mib': 1.0,
  }


def test_what_a_pruning_rule_sends():
  output = {
    'rule/keep_fraction': np.float64(0.25),
    # One row of four was dropped: it sent something that nobody counted.
    'rule/sent_entries': np.array([2**16, 0, 2**15, 2**15], np.int32),
    'rule/received_entries': np.int32(2**14),
    'num_dropped': np.int32(1),
  }
  found = round_traffic(output, DIMENSION)
  assert found['communication/volume_mib'] == 2 * (0.25 + MASK)
  # (2^16 + 2^15 + 2^15) / 3 values of four bytes.
  assert found['communication/up_mib'] == pytest.approx(1 / 6 + MASK)
  assert found['communication/down_mib'] == 1 / 16 + MASK


def test_all_rows_dropped():
  output = {
    'rule/keep_fraction': np.float64(0.5),
    'rule/sent_entries': np.zeros(2, np.int32),
    'rule/received_entries': np.int32(0),
    'num_dropped': np.int32(2),
  }
  found = round_traffic(output, DIMENSION)
  assert found['communication/up_mib'] == MASK
