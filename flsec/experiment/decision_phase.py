"""A phase that decides on trained weights: clients report, somebody tests."""

import collections
import io
import time
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from flsec import atomic_file
from flsec.defenses import channels
from flsec.defenses.phase import Phase, Record, Score
from flsec.experiment import (
  exchanges,
  metric_rows,
  run_directory,
  validation,
)
from flsec.experiment.forward_pass import CutPass
from flsec.experiment.place import Place
from flsec.experiment.session import Session
from flsec.models.channel_layer import channel_layer

_SCORE, _LOSS = 'phase/score', 'phase/score_loss'
STEP_SECONDS = 'time/step_seconds'


def run(session: Session, phase: Phase, state: Any, at: Place) -> Any:
  """Runs a phase that decides, or what is left of it.

  Every step of its search is a row, and no more: it changes no state. After a
  kill the decision is made again, its first scores read from the rows.

  Args:
    session: of the run.
    phase: with `decide`.
    state: the server's.
    at: the place in the phase, before its first row.

  Returns:
    The state after it.
  """
  started = time.perf_counter()
  if phase.collect and at.reports is None:
    at = at.asked(exchanges.ask(session.clients, phase.collect, state))
  if not session.journal.search_rows:  # Else they would be behind it.
    session.journal.save(state, at)
  asked = time.perf_counter()
  search = _Search(session, phase, state, at)
  weights, mask, record = phase.decide(
    search.weights,
    search.mask,
    exchanges.reports_of(at.reports) if at.reports else None,
    session.assembled.plan.model.layout,
    search.begin,
  )
  changed = {'weights': tf.constant(weights)}
  if 'removed' in state:
    changed['removed'] = tf.constant(mask)
  state = collections.OrderedDict({**state, **changed})
  ended = time.perf_counter()
  metrics = _named(record)
  if at.reports:
    metrics['phase/valid_reports'] = at.reports['valid']
    metrics['phase/dropped_reports'] = at.reports['dropped']
    metrics['time/reports_seconds'] = asked - started
  if at.reports:
    metrics.update(_num_removed(session, phase, search.mask, mask))
  metrics.update(session.evaluator.evaluate(weights))
  metrics[STEP_SECONDS] = time.perf_counter() - ended + asked - started
  session.journal.row(int(state['round']), search.at.after(), metrics)
  if at.reports:
    _keep_votes(session, phase, at, mask)
  session.journal.save(state, at.next_phase())
  return state


def _num_removed(
  session: Session, phase: Phase, before: np.ndarray, mask: np.ndarray
) -> dict[str, float]:
  """Names the channels that the phase has removed as pruners' units are."""
  layout = session.assembled.plan.model.layout
  layer = channel_layer(phase.name, layout, phase.layer)
  more = channels.removed(mask, layout, layer).sum()
  more -= channels.removed(before, layout, layer).sum()
  return {f'pruning/{layer.name}/units': int(more)}


def _keep_votes(
  session: Session, phase: Phase, at: Place, mask: np.ndarray
) -> None:
  """Writes who reported what, and which channels are removed, for pictures."""
  layout = session.assembled.plan.model.layout
  layer = channel_layer(phase.name, layout, phase.layer)
  buffer = io.BytesIO()
  np.savez(
    buffer,
    layer=layer.name,
    kind=phase.collect.kind,
    client_id=np.array(at.reports['client_id'], np.int64),
    is_valid=np.array(at.reports['is_valid'], bool),
    reports=np.array(at.reports['reports'], np.int64),
    is_malicious=session.assembled.malicious,
    removed_channels=np.flatnonzero(channels.removed(mask, layout, layer)),
  )
  path = session.directory / run_directory.VOTES.format(at.phase)
  atomic_file.write_atomically(path, buffer.getvalue())


class _Search:
  """Scores candidates, each in a row of its own.

  Attributes:
    weights, mask: what the search begins with.
    at: the place behind the last row.
  """

  def __init__(
    self, session: Session, phase: Phase, state: Any, at: Place
  ) -> None:
    self._session, self._phase, self._state = session, phase, state
    self.weights = np.asarray(state['weights'])
    nothing = np.zeros(len(self.weights), bool)
    self.mask = np.asarray(state.get('removed', nothing))
    self.at = at

  def begin(
    self, zeroed_at: np.ndarray, points: Sequence[Record]
  ) -> Callable[[int], Score]:
    """Implements `flsec.defenses.phase.Evaluate`."""
    session, phase = self._session, self._phase
    layout = session.assembled.plan.model.layout
    layer = channel_layer(phase.name, layout, phase.layer).name
    through = session.evaluator.whole_pass
    if not through.reads_batch:  # What a cut keeps is of one example alone.
      through = CutPass(through, layer, self.weights)
    clients_scores = None

    def test(point: int, weights: np.ndarray) -> Score:
      nonlocal clients_scores
      if not phase.feedback:
        examples = session.assembled.federation.validation
        return validation.score(through, examples, weights)
      if clients_scores is None:  # All candidates in one exchange.
        tests = exchanges.test(
          session.clients,
          self._state,
          layer=layer,
          zeroed_at=zeroed_at,
          num_points=len(points),
        )
        clients_scores = exchanges.accuracies_of(tests)
      return Score(clients_scores[point])

    def score(point: int) -> Score:
      self.at = self.at.after()
      if session.journal.search_rows:
        return self._read(point)
      started = time.perf_counter()
      weights = np.where(zeroed_at > point, self.weights, np.float32(0))
      found = test(point, weights)
      row = {metric_rows.POINT: point, _SCORE: found.accuracy}
      if not phase.feedback:
        row[_LOSS] = found.loss
      row.update(_named(points[point]))
      row['time/score_seconds'] = time.perf_counter() - started
      if point % session.experiment.evaluation.every == 0:
        row.update(session.evaluator.evaluate(weights, through))
      row[STEP_SECONDS] = time.perf_counter() - started
      session.journal.row(int(self._state['round']), self.at, row)
      return found

    return score

  def _read(self, point: int) -> Score:
    """Returns the score of a step that an earlier session has made."""
    row = self._session.journal.search_rows.popleft()
    if row[metric_rows.POINT] != point:
      raise ValueError(
        f'{self._phase.name} asked for point {row[metric_rows.POINT]} before '
        f'it was interrupted, and asks for {point} now. A decision may depend '
        'on nothing but its arguments and the scores.'
      )
    return Score(row[_SCORE], row.get(_LOSS, float('nan')))


def _named(record: Record) -> dict[str, float]:
  return {f'phase/{name}': value for name, value in record.items()}
