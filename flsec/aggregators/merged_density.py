"""Merged density (MgDen): updates in dense neighbourhoods are benign."""

from typing import Optional

from flsec import registry
from flsec.aggregators import density
from flsec.aggregators.rule import Rule


@registry.aggregator('merged_density', paper='Gong et al., IEEE TIFS 2024')
def merged_density(
  *,
  num_byzantine: int,
  num_neighbors: Optional[int] = None,
  replication: str = 'none',
) -> Rule:
  """Mean of the updates that are dense by cosine and by distance (MgDen).

  The n - f clients of largest density are found twice, by `cosine_density` and
  by `euclidean_density`; those on both lists are averaged. The zero update
  where there are none. Ties go to the lowest client. Unweighted.

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
    'merged_density',
    (density.cosine_closeness, density.euclidean_closeness),
    options,
  )
