"""How clients share the training examples: one file a scheme.

Each scheme takes (labels, num_clients, ..., seed) and returns a list of
disjoint, ascending index arrays, one a client. The same seed gives the same
split; every example is used unless the scheme says otherwise.
"""

from flsec.data.partition.by_writer import by_writer
from flsec.data.partition.dirichlet import dirichlet
from flsec.data.partition.extreme import extreme
from flsec.data.partition.gamma_similarity import gamma_similarity
from flsec.data.partition.iid import iid
from flsec.data.partition.imbalance import imbalance
from flsec.data.partition.k_label import k_label
from flsec.data.partition.stratified import stratified

__all__ = [
  'by_writer',
  'dirichlet',
  'extreme',
  'gamma_similarity',
  'iid',
  'imbalance',
  'k_label',
  'stratified',
]
