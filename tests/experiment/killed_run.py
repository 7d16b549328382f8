"""A tiny run, killed by SIGKILL before every system call that writes.

Run as a script by test_kill_and_resume.py: it forks, which must not happen in a
process that has TensorFlow's threads.
"""

import os
import pathlib
import signal
import sys

import numpy as np

from flsec.experiment import checkpoint
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.run_directory import RunDirectory

ROUNDS = 5
_CALLS = ('fsync', 'replace', 'write', 'unlink')


def train(path, die_before=None):
  """Runs or resumes; dies before the given writing call, if there is one."""
  if die_before is not None:
    _arm(die_before)
  with RunDirectory.open(path, 'rounds: 5\n', 'abc', True) as run:
    if run.state == 'done':
      return
    fresh = {'weights': np.zeros(3, np.float32), 'rule': ()}
    last, state = checkpoint.restore(run.checkpoints, fresh) or (0, fresh)
    with MetricWriter(run.path, resume_after=last) as writer:
      for number in range(last + 1, ROUNDS + 1):
        noise = np.random.default_rng(number).random(3, np.float32)
        state = {**state, 'weights': state['weights'] * np.float32(0.9) + noise}
        metrics = {'norm': np.linalg.norm(state['weights'])}
        if number % 2 == 0:
          metrics['test/accuracy'] = state['weights'].mean()
        writer.write_row(number, metrics)
        checkpoint.save(run.checkpoints, number, state)
    run.finish({'rounds': ROUNDS})


def _arm(die_before):
  left = [die_before]

  def wrap(call):
    def counted(*arguments, **options):
      if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
      left[0] -= 1
      return call(*arguments, **options)

    return counted

  for name in _CALLS:
    setattr(os, name, wrap(getattr(os, name)))


def _in_a_child(path, die_before=None):
  """Returns the signal that ended the child, 0 if it finished."""
  child = os.fork()
  if child == 0:
    try:
      train(path, die_before)
    except BaseException as error:
      print(f'{path}: {error!r}', file=sys.stderr, flush=True)
      os._exit(1)
    os._exit(0)
  status = os.waitpid(child, 0)[1]
  assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, path
  return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _outcome(path):
  names = ('config.yaml', 'metrics.csv', 'metrics.jsonl', 'summary.json')
  files = {name: (path / name).read_bytes() for name in names}
  state = {'weights': np.zeros(3, np.float32), 'rule': ()}
  number, state = checkpoint.restore(path / 'checkpoints', state)
  left_over = sorted(p.name for p in path.rglob('*.partial'))
  return files, number, state['weights'].tobytes(), left_over


def main(root):
  _in_a_child(root / 'whole')
  expected = _outcome(root / 'whole')
  for die_before in range(1000):
    path = root / f'killed_{die_before}'
    ended = _in_a_child(path, die_before)
    if ended == 0:
      break
    assert ended == signal.SIGKILL
    # Once more, soon after the resume, then to the end.
    _in_a_child(path, die_before=4)
    assert _in_a_child(path) == 0
    found = _outcome(path)
    assert found[:3] == expected[:3], f'{path}: {found} is not {expected}'
    assert (path / 'DONE').exists()
  print(die_before)


if __name__ == '__main__':
  main(pathlib.Path(sys.argv[1]))
