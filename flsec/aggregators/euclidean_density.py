"""Euclidean density (EuDen): updates in dense neighbourhoods are benign."""

from typing import Optional

from flsec import registry
from flsec.aggregators import density
from flsec.aggregators.rule import Rule


@registry.aggregator('euclidean_density', paper='Gong et al., IEEE TIFS 2024')
def euclidean_density(
  *,
  num_byzantine: int,
  num_neighbors: Optional[int] = None,
  replication: str = 'none',
) -> Rule:
  """Mean of the n - f updates with the closest neighbourhood (EuDen).

  A client's density is minus the sum of the k smallest Euclidean distances of
  its update to the others' (its own, 0, included). Ties go to the lowest
  client. Unweighted.

  Args:
    num_byzantine: f; needs n >= 2 f and n >= 2 clients.
    num_neighbors: k, at most n; default n - f, at least n // 2 + 1. The paper
      asks for k > n / 2.
    replication: 'none', or 'agramplifier' (the authors' code): density is the
      sum over all pairs within the neighbourhood, and whole updates are scaled
      to length 1 before all else: before they are amplified, and in the mean.

  Raises:
    ValueError: an option is out of its range.

  References:
    Gong et al. AGRAMPLIFIER: defending federated learning against poisoning
    attacks through local update amplification. IEEE TIFS 2024, Appendix A.
  """
  options = density.DensityOptions(num_byzantine, num_neighbors, replication)
  return density.density_rule(
    'euclidean_density', (density.euclidean_closeness,), options
  )
