"""The benchmark of phases measures what it says, in small."""

from benchmarks import phases


def test_votes_and_a_round_are_timed():
  found = phases.votes(2, 8, repeats=1)
  assert found.keys() == {'round', 'votes'}
  assert all(0 < seconds < float('inf') for seconds in found.values())


def test_a_step_and_an_evaluation_are_timed():
  found = phases.steps(4, repeats=1)
  assert found.keys() == {'evaluation', 'step'}


def test_every_candidate_of_a_layer_is_tested(monkeypatch):
  tested = []
  score = phases.validation.score

  def counted(through, examples, weights):
    tested.append(len(examples.y))
    return score(through, examples, weights)

  monkeypatch.setattr(phases.validation, 'score', counted)
  options = {'filters': (2, 6), 'kernel_size': 3, 'hidden': (4,)}
  num_channels, *seconds = phases.search(3, options)
  # As it is, and with 1 to 5 channels removed: one stays.
  assert (num_channels, tested) == (6, [3] * 6)
  assert len(seconds) == 2 and min(seconds) > 0
