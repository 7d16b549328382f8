"""A phase of federated rounds."""

import time
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from flsec.config import estimate
from flsec.defenses.phase import Phase
from flsec.experiment import (
  exchanges,
  profiling,
  round_pictures,
  validation,
)
from flsec.experiment.place import Place
from flsec.experiment.round_metrics import round_metrics
from flsec.experiment.round_traffic import round_traffic
from flsec.experiment.session import Session

SCORE = 'phase/score'


def run(session: Session, phase: Phase, state: Any, at: Place) -> Any:
  """Runs a phase of rounds, or what is left of it.

  Args:
    session: of the run.
    phase: with `rounds`.
    state: the server's.
    at: the place in the phase.

  Returns:
    The state after it.
  """
  if phase.rounds.judge:
    return _run_judged(session, phase, state, at)
  most = phase.rounds.most or session.experiment.rounds
  while at.step < most:
    state, metrics = _round(session, state, is_last=at.step + 1 == most)
    at = at.after()
    round_number = int(state['round'])
    session.journal.row(round_number, at, metrics)
    # What other cells have trained is taken at once, or again.
    if round_number >= session.shared.last_taken:
      session.journal.save(state, at)
  return state


def _run_judged(session: Session, phase: Phase, state: Any, at: Place) -> Any:
  """Trains while the phase's verdict wants it; returns the best state."""
  judge, best = phase.rounds.judge, session.journal.start.best
  if not at.scores:
    score, tests = _score(session, phase, state, None)
    at = Place(at.phase, scores=(score,), tests=tests)
    best = np.asarray(state['weights'])
    session.journal.save(state, at, best)
  while at.step < phase.rounds.most and not judge(at.scores).is_over:
    state, metrics = _round(session, state, is_last=False)
    score, _ = _score(session, phase, state, at.tests)
    at = at.after(scores=(*at.scores, score))
    if judge(at.scores).best == len(at.scores) - 1:
      best = np.asarray(state['weights'])
    session.journal.row(int(state['round']), at, {SCORE: score, **metrics})
    session.journal.save(state, at, best)
  state = {**state, 'weights': tf.constant(best)}
  kept = judge(at.scores).best
  session.journal.row(
    int(state['round']),
    at.after(),
    {
      'phase/kept': kept,
      SCORE: at.scores[kept],
      **session.evaluator.evaluate(best),
    },
  )
  session.journal.save(state, at.next_phase())
  return state


def _score(
  session: Session, phase: Phase, state: Any, before: Optional[Any]
) -> tuple[float, Optional[Any]]:
  """Scores the weights; where clients do so, also returns what they said.

  Args:
    session: of the run.
    phase: says who tests.
    state: the server's.
    before: what the clients said when the phase began; None: it begins now.
  """
  if not phase.feedback:
    found = validation.score(
      session.evaluator.whole_pass,
      session.assembled.federation.validation,
      np.asarray(state['weights']),
    )
    return found.accuracy, None
  tests = exchanges.test(session.clients, state)
  if before is None:
    return exchanges.accuracies_of(tests)[0], tests
  return exchanges.accuracy_since(before, tests), tests


def _round(
  session: Session, state: Any, *, is_last: bool
) -> tuple[Any, dict[str, float]]:
  """Runs one round of training, and tests its model when that is due."""
  plan, started = session.assembled.plan, time.perf_counter()
  server, shared = session.experiment.server, session.shared
  round_number = int(state['round']) + 1
  is_due = is_last or round_number % session.experiment.evaluation.every == 0
  if round_number <= shared.last_taken:
    taken = shared.take(round_number)
    state, output, weights = taken.state, taken.output, taken.weights
    evaluated = taken.evaluated if is_due else {}
  else:
    state, output = _trained(session, state, round_number)
    weights, evaluated = np.asarray(state['weights']), None
  trained = time.perf_counter()
  metrics: dict[str, float] = {}
  if is_due:
    metrics.update(evaluated or session.evaluator.evaluate(weights))
  if round_number > shared.last_taken:
    session.checks.check(round_number, output, weights, metrics)
  shared.keep(round_number, state, output, metrics)
  if plan.attack:
    metrics['attack/active'] = int(plan.attack.is_active(round_number))
  told = estimate.num_byzantine_told(server) if plan.attack else None
  metrics.update(round_metrics(output, plan.rule, told))
  metrics.update(round_traffic(output, plan.dimension))
  ended = time.perf_counter()
  metrics.update(_stage_seconds(session.training.stage_seconds, metrics))
  metrics['time/evaluation_seconds'] = ended - trained
  metrics['time/round_seconds'] = ended - started
  if is_last or round_pictures.is_shown(
    round_number, session.experiment.rounds
  ):
    is_tested = is_due and not evaluated
    confusion = session.evaluator.confusion if is_tested else None
    round_pictures.write(session.journal.writer, output, confusion)
  return state, metrics


def _trained(
  session: Session, state: Any, round_number: int
) -> tuple[Any, Any]:
  """Lets the round's clients train."""
  clients = session.clients.of_round(round_number)
  profile = session.directory if session.profiles else None
  with profiling.profiled(profile, session.journal.rows_of_session + 1):
    return session.training.next(state, clients)


def _stage_seconds(
  stages: dict[str, float], metrics: dict[str, float]
) -> dict[str, float]:
  """Names the runtime's stages; the server's is what its own leave over."""
  named = {f'time/{name}_seconds': value for name, value in stages.items()}
  if 'server' in stages:
    own = sum(
      metrics.get(f'time/{stage}_seconds', 0.0)
      for stage in ('attack', 'rule', 'pruning')
    )
    named['time/server_seconds'] = max(0.0, stages['server'] - own)
  return named
