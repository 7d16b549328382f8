"""Options take the values at the ends of their ranges, and no value beyond."""

import re

import pytest

from flsec import registry

_KRUM = {'name': 'krum', 'num_byzantine': 0}
_FLIP = {'name': 'label_flip'}
# (kind, component, what it needs besides, option, taken, refused); where an end
# is open the refused value is the end itself.
_ENDS = [
  ('aggregator', 'centered_clipping', {}, 'radius', 1e-30, 0.0),
  ('aggregator', 'centered_clipping', {}, 'num_iterations', 1, 0),
  ('aggregator', 'cosine_density', {'num_byzantine': 0}, 'num_neighbors', 1, 0),
  ('aggregator', 'dnc', {'num_byzantine': 0}, 'num_iterations', 1, 0),
  ('aggregator', 'dnc', {'num_byzantine': 0}, 'num_coordinates', 1, 0),
  ('aggregator', 'dnc', {'num_byzantine': 0}, 'filter_factor', 1e-30, 0.0),
  ('aggregator', 'dnc', {'num_byzantine': 2}, 'filter_factor', 8e307, 1e308),
  (
    'aggregator',
    'dnc',
    {'num_byzantine': 0},
    'filter_factor',
    1e308,
    float('inf'),
  ),
  ('aggregator', 'feder', {}, 'min_benign_fraction', 1.0, 1.0 + 1e-15),
  ('aggregator', 'feder', {}, 'min_benign_fraction', 1e-30, 0.0),
  ('aggregator', 'feder', {}, 'max_fraction', 1 - 1e-15, 1.0),
  ('aggregator', 'feder', {}, 'max_fraction', 1e-30, 0.0),
  ('aggregator', 'foolsgold', {'num_clients': 3}, 'confidence', 1e-30, 0.0),
  ('aggregator', 'foolsgold', {}, 'num_clients', 1, 0),
  ('aggregator', 'gas', {'num_byzantine': 0}, 'num_groups', 1, 0),
  ('aggregator', 'geometric_median', {}, 'num_iterations', 1, 0),
  ('aggregator', 'geometric_median', {}, 'tolerance', 0.0, -1e-30),
  ('aggregator', 'geometric_median', {}, 'smoothing', 0.0, -1e-30),
  ('aggregator', 'multi_krum', {'num_byzantine': 0}, 'num_selected', 1, 0),
  ('aggregator', 'norm_clipped_mean', {}, 'radius', 1e-30, 0.0),
  ('aggregator', 'trimmed_mean', {}, 'trim_fraction', 0.0, -1e-30),
  ('aggregator', 'trimmed_mean', {}, 'trim_fraction', 0.5 - 1e-15, 0.5),
  ('aggregator', 'trimmed_mean', {}, 'num_byzantine', 0, -1),
  ('aggregator', 'amplified', {'rule': _KRUM}, 'kernel_size', 1, 0),
  ('aggregator', 'loss_rejection', {'rule': _KRUM}, 'num_rejected', 0, -1),
  ('preaggregator', 'bucketing', {}, 'bucket_size', 1, 0),
  ('preaggregator', 'clipping', {}, 'radius', 1e-30, 0.0),
  ('preaggregator', 'clipping', {}, 'median_factor', 1e-30, 0.0),
  ('attack', 'badnets', {}, 'num_poisoned', 1, 0),
  ('attack', 'badnets', {}, 'poison_fraction', 1.0, 1.0 + 1e-15),
  ('attack', 'badnets', {}, 'poison_fraction', 1e-30, 0.0),
  ('attack', 'label_complement', {}, 'num_classes', 2, 1),
  ('attack', 'label_flip', {}, 'source_label', 0, -1),
  ('attack', 'label_flip', {'num_classes': 3}, 'target_label', 2, 3),
  ('attack', 'model_replacement', {'attack': _FLIP}, 'scale', 1e-30, 0.0),
  ('attack', 'scaling', {'attack': _FLIP}, 'scale', 1e-30, 0.0),
  ('attack', 'neurotoxin', {'attack': _FLIP}, 'keep_fraction', 1.0, 1 + 1e-15),
  ('attack', 'neurotoxin', {'attack': _FLIP}, 'keep_fraction', 1e-30, 0.0),
  ('attack', 'projected', {'attack': _FLIP}, 'radius', 1e-30, 0.0),
  ('attack', 'self_pruning', {'attack': _FLIP}, 'num_deviations', 1e-30, 0.0),
  ('attack', 'fang_krum', {}, 'tolerance', 1e-30, 0.0),
  ('attack', 'fang_krum', {}, 'radius', 0.0, -1e-30),
  ('attack', 'fang_trimmed_mean', {}, 'scale', 1 + 1e-15, 1.0),
  ('attack', 'hybrid_sparse', {}, 'keep_fraction', 1.0, 1 + 1e-15),
  ('attack', 'hybrid_sparse', {}, 'keep_fraction', 1e-30, 0.0),
  ('attack', 'hybrid_sparse', {}, 'output_fraction', 1.0, 1 + 1e-15),
  ('attack', 'hybrid_sparse', {}, 'num_iterations', 1, 0),
  ('attack', 'hybrid_sparse', {}, 'batch_size', 1, 0),
  ('attack', 'hybrid_sparse', {}, 'num_batches', 1, 0),
  ('attack', 'mimic', {}, 'position', 0, -1),
  ('attack', 'min_max', {}, 'tolerance', 1e-30, 0.0),
  ('attack', 'min_max', {}, 'initial_scale', 1e-30, 0.0),
  ('attack', 'min_sum', {}, 'initial_scale', 1e-30, 0.0),
  ('attack', 'rop', {}, 'momentum', 0.0, -1e-30),
  ('attack', 'rop', {}, 'momentum', 1.0, 1 + 1e-15),
  ('attack', 'rop', {}, 'relocation', 1.0, 1 + 1e-15),
  ('pruner', 'flap', {}, 'l1_weight', 0.0, -1e-30),
  ('pruner', 'flap', {}, 'entropy_weight', 0.0, -1e-30),
  ('pruner', 'flap', {}, 'similarity_threshold', 0.0, -1e-30),
  ('pruner', 'flap', {}, 'similarity_threshold', 1.0, 1 + 1e-15),
  ('phase', 'adjust', {}, 'num_deviations', 1e-30, 0.0),
  ('phase', 'adjust', {'largest': 2.0}, 'smallest', 2.0, 2.0 + 1e-15),
  ('phase', 'adjust', {}, 'smallest', 1e-30, 0.0),
  ('phase', 'adjust', {'largest': 6.0}, 'step', 5.01e-3, 5e-3),
  ('phase', 'adjust', {'num_deviations': 3.0}, 'step', 1e-30, 0.0),
  ('phase', 'adjust', {}, 'max_drop', 0.0, -1e-30),
  ('phase', 'adjust', {}, 'max_drop', 1.0, 1 + 1e-15),
  ('phase', 'adjust', {}, 'max_loss_rise', 0.0, -1e-30),
  ('phase', 'fine_tune', {}, 'max_rounds', 1, 0),
  ('phase', 'fine_tune', {}, 'patience', 1, 0),
  ('phase', 'prune', {}, 'share', 1e-30, 0.0),
  ('phase', 'prune', {}, 'share', 1 - 1e-15, 1.0),
  ('phase', 'prune', {}, 'test_every', 1, 0),
  ('phase', 'prune', {}, 'num_channels', 1, 0),
  ('phase', 'prune', {}, 'min_accuracy', 1.0, 1 + 1e-15),
  ('phase', 'train', {}, 'rounds', 1, 0),
]


@pytest.mark.parametrize(
  ('kind', 'name', 'given', 'option', 'taken', 'refused'), _ENDS
)
def test_ends_of_ranges(kind, name, given, option, taken, refused):
  registry.build(kind, name, **given, **{option: taken})
  with pytest.raises(ValueError, match=re.escape(str(refused).lstrip('-'))):
    registry.build(kind, name, **given, **{option: refused})
