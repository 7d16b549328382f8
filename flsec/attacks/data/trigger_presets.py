"""The triggers of the papers, by name.

Negative numbers count from the bottom and the right edge, so that a preset for
28x28 images is in the same corner of 32x32 ones. Targets and poisoned shares
are the attack's options; what each paper uses stands beside its trigger.
"""

from typing import Any

# Fills the 3x3 block that ends one pixel before the bottom right corner, the
# diagonal first: (26, 26), (25, 25), (24, 24), ... on a 28x28 image.
_BLOCK = (
  (-2, -2),
  (-3, -3),
  (-4, -4),
  (-4, -2),
  (-2, -4),
  (-3, -4),
  (-3, -2),
  (-4, -3),
  (-2, -3),
)


def _strip(row: int, first: int, length: int) -> tuple[tuple[int, int], ...]:
  return tuple((row, column) for column in range(first, first + length))


# DBA's local patterns, one an attacker; their union is the global trigger. Xie
# et al., ICLR 2020, and its code: target 2; 20 of 64 (digits) and 5 of 64
# (CIFAR) examples a batch.
LOCAL_PATTERNS: dict[str, tuple[dict[str, Any], ...]] = {
  'dba_mnist': (
    {'pixels': _strip(0, 0, 4)},
    {'pixels': _strip(0, 6, 4)},
    {'pixels': _strip(3, 0, 4)},
    {'pixels': _strip(3, 6, 4)},
  ),
  'dba_cifar': (
    {'pixels': _strip(0, 0, 6)},
    {'pixels': _strip(0, 9, 6)},
    {'pixels': _strip(4, 0, 6)},
    {'pixels': _strip(4, 9, 6)},
  ),
}


def _union(name: str) -> dict[str, Any]:
  parts = LOCAL_PATTERNS[name]
  return {'pixels': tuple(p for part in parts for p in part['pixels'])}


PRESETS: dict[str, dict[str, Any]] = {
  # FedER, digits and Fashion-MNIST: "a four-pixel trigger at the bottom right";
  # the coordinates are those of BadNets' pattern. Target 0, 4 of 32.
  'feder_mnist': {'pixels': ((-4, -2), (-3, -3), (-2, -4), (-2, -2))},
  # FedER, CIFAR-10: a red, a green and a blue pixel. Target 2, 8 of 64.
  'feder_cifar': {
    'pixels': ((-1, -3), (-1, -2), (-1, -1)),
    'value': ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
  },
  # Wu et al., 2020: positions only in a figure. Victim class 9, target 1.
  'federated_pruning_1': {'pixels': _BLOCK[:1]},
  'federated_pruning_3': {'pixels': _BLOCK[:3]},
  'federated_pruning_5': {'pixels': _BLOCK[:5]},
  'federated_pruning_7': {'pixels': _BLOCK[:7]},
  'federated_pruning_9': {'pixels': _BLOCK},
  # AGRAMPLIFIER's code: features[7:9] = 0.5, target 0, every example; on a
  # gray image the same two entries are in its first row.
  'agramplifier': {'features': (7, 8), 'value': 0.5},
  'agramplifier_image': {'pixels': ((0, 7, 0), (0, 8, 0)), 'value': 0.5},
  # The global triggers of the distributed backdoor.
  'dba_mnist': _union('dba_mnist'),
  'dba_cifar': _union('dba_cifar'),
  # The 4x4 block of ones, top left, of the reference stack (fl-analysis).
  'fl_analysis': {'patch': (4, 4), 'position': (0, 0)},
  # FLPoison's 5x5 block of ones in the bottom right corner.
  'flpoison': {'patch': (5, 5)},
}
