"""Numbers that two cells make: one as a share of the other."""

import dataclasses
from collections.abc import Sequence

from flsec.catalogue.papers import Entry
from flsec.catalogue.results import Result


def with_shares(entry: Entry, found: Sequence[Result]) -> list[Result]:
  """Returns numbers of runs, and the shares that follow from them.

  A share is of two cells of one size and one seed; none where the run that it
  is measured against came to no number, is not there, or is the same.

  Args:
    entry: the table or figure.
    found: what its runs came to.
  """
  values = {one.place: one.value for one in found}
  shares = []
  for name, measure in entry.measures.items():
    for one in found:
      keys = {**one.keys, **measure.against}
      if one.measure != measure.share_of or keys == one.keys:
        continue
      other = values.get(dataclasses.replace(one, keys=keys).place)
      if not other:
        continue
      share = None if one.value is None else measure.times * one.value / other
      shares.append(dataclasses.replace(one, measure=name, value=share))
  return [*found, *shares]
