"""Puts faults into the pure rooms, one at a time, and runs their tests.

python tests/faults/mutants.py [--count=200] [--first=1] [--seed=0]
    [--seconds=100] [--only=FILE,...] [--mutant=FILE:N]

Samples mutants of all files of the pure rooms (`mutation` says of which kinds),
each file's share being that of its mutants, and prints which of them no test
notices. Each is tried in a copy of the checkout; the tests of the file come
first, then those that name it or its component. What no test can notice is
explained in explained_mutants.yaml, and is not tried. `--first` goes on where a
campaign was stopped: a sample keeps its order, whatever else is edited.
`--mutant` tries one again and shows what its tests say. Ends with 1 where less
than nine in ten are noticed or explained.
"""

import argparse
import gc
import hashlib
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile

import mutant_tests
import mutation
import yaml

CHECKOUT = mutant_tests.CHECKOUT
KILLED, SURVIVED, ENDLESS = 'killed', 'survived', 'endless'
EXPLAINED = 'explained'
EXPLANATIONS = pathlib.Path(__file__).with_name('explained_mutants.yaml')
_CUT = (signal.SIGXCPU, signal.SIGKILL)
_REQUIRED_SHARE = 0.9


def sample(names, size, seed):
  """Draws mutants of files, without replacement.

  Each has a number drawn from its name, so that an edit changes nothing of the
  sample but what is in the edited lines.

  Args:
    names: {file: what its mutants are called}, see `mutation.names`.
    size: how many to draw; all of them where there are fewer.
    seed: of the draw.

  Returns:
    [(file, number of the mutant)], so that any first part is a sample, too.
  """
  drawn = []
  for file, of_file in names.items():
    for number, name in enumerate(of_file):
      key = repr((seed, file, *name)).encode()
      drawn.append((hashlib.sha256(key).digest(), file, number))
  return [(file, number) for _, file, number in sorted(drawn)[:size]]


def explanations():
  """Returns {(file, statement, what it becomes): why no test notices}."""
  entries = yaml.safe_load(EXPLANATIONS.read_text(encoding='utf-8'))
  return {(e['file'], e['line'], e['becomes']): e['why'] for e in entries}


class Copy:
  """A copy of the checkout, whose source files may be changed."""

  def __init__(self, root):
    self.root = pathlib.Path(root)
    for path in CHECKOUT.iterdir():
      if path.name in ('flsec', 'tests'):
        skipped = shutil.ignore_patterns('__pycache__')
        shutil.copytree(path, self.root / path.name, True, skipped)
      elif not path.name.startswith('.git'):
        (self.root / path.name).symlink_to(path)

  def outcome(self, file, text, seconds, quiet=True):
    """Returns what a file's tests say once it holds a text.

    Args:
      file: from the root.
      text: what it is to hold.
      seconds: of processor time, for the file's own tests; half as much for
        all others, which are cut short then.
      quiet: whether nothing is shown of the tests.
    """
    path = self.root / file
    before = path.read_text(encoding='utf-8')
    path.write_text(text, encoding='utf-8')
    left = seconds
    try:
      for index, arguments in enumerate(mutant_tests.tests_of(file)):
        status, used = self._tested(arguments, left, quiet)
        is_cut = os.WIFSIGNALED(status) and os.WTERMSIG(status) in _CUT
        if is_cut and index == 0:
          return ENDLESS
        if status and not is_cut:
          return KILLED
        left = seconds / 2 if index == 0 else left - used
        if left < 1:
          break
    finally:
      path.write_text(before, encoding='utf-8')
    return SURVIVED

  def _tested(self, arguments, seconds, quiet):
    """Runs tests in a process that has TensorFlow from this one.

    Returns:
      (how it ended, the processor time it took in seconds).
    """
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
      # The system ends what hangs, inside TensorFlow, too.
      limit = int(seconds) + 1
      resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
      os._exit(self._run(arguments, quiet))
    _, status, usage = os.wait4(process, 0)
    return status, usage.ru_utime + usage.ru_stime

  def _run(self, arguments, quiet):
    import pytest

    os.chdir(self.root)
    sys.path[:] = [
      str(self.root),
      *(p for p in sys.path if not p.startswith(str(CHECKOUT / 'tests'))),
    ]
    if quiet:
      silent = os.open(os.devnull, os.O_WRONLY)
      os.dup2(silent, 1)
      os.dup2(silent, 2)
    options = ['-q', '-x', '-p', 'no:cacheprovider', '--tb=short']
    code = pytest.main([*options, *arguments])
    import flsec

    assert pathlib.Path(flsec.__file__).is_relative_to(self.root)
    # No test chosen is no test failed.
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else int(code)


def _parsed():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--count', type=int, default=200)
  parser.add_argument('--first', type=int, default=1, help='of the sample')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument(
    '--seconds',
    type=float,
    default=100.0,
    help='processor time for the tests of a mutant',
  )
  parser.add_argument('--only', help='sample from these files alone')
  parser.add_argument('--mutant', help='FILE:N, to see its tests')
  return parser.parse_args()


def _start_tensorflow():
  """Imports what the tests would, once and without starting its threads."""
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
  os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
  os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
  # A changed file of the same size within a second is not one compiled before.
  sys.dont_write_bytecode = True
  import pytest  # noqa: F401
  import scipy.stats  # noqa: F401
  import tensorflow  # noqa: F401

  # pytest collects garbage five times at its end: not all this each time.
  gc.freeze()


def main():
  options = _parsed()
  _start_tensorflow()
  chosen = options.only.split(',') if options.only else mutant_tests.files()
  texts = {f: (CHECKOUT / f).read_text(encoding='utf-8') for f in chosen}
  with tempfile.TemporaryDirectory(prefix='flsec-mutants-') as root:
    copy = Copy(root)
    if options.mutant:
      file, _, number = options.mutant.rpartition(':')
      text = (CHECKOUT / file).read_text(encoding='utf-8')
      found = mutation.mutant(text, int(number))
      print(f'{file}:{found.line}: {found.before} -> {found.after}')
      print(copy.outcome(file, found.text, options.seconds, quiet=False))
      return 0
    names = {file: mutation.names(text) for file, text in texts.items()}
    drawn = sample(names, options.count, options.seed)
    return _report(copy, texts, drawn, options.first, options.seconds)


def _report(copy, texts, drawn, first, seconds):
  """Tries mutants, prints what survives; returns the exit status."""
  outcomes = KILLED, ENDLESS, EXPLAINED, SURVIVED
  seen = {room: dict.fromkeys(outcomes, 0) for room in mutant_tests.ROOMS}
  explained = explanations()
  for place, (file, number) in enumerate(drawn[first - 1 :], start=first):
    found = mutation.mutant(texts[file], number)
    if (file, found.before, found.after) in explained:
      outcome = EXPLAINED
    else:
      outcome = copy.outcome(file, found.text, seconds)
    seen[pathlib.PurePath(file).parts[1]][outcome] += 1
    if outcome != KILLED:
      print(
        f'{place}: {outcome} {file}:{number} (line {found.line}): '
        f'{found.before} -> {found.after}',
        flush=True,
      )
  for room, row in seen.items():
    print(f'{room:15}', ', '.join(f'{n} {s}' for s, n in row.items()))
  total = {s: sum(row[s] for row in seen.values()) for s in outcomes}
  tried = sum(total.values())
  noticed, answered = total[KILLED] + total[ENDLESS], tried - total[SURVIVED]
  print(
    f'{tried} mutants, {noticed} noticed, {total[EXPLAINED]} explained, '
    f'{total[SURVIVED]} neither ({answered / max(tried, 1):.1%} answered)'
  )
  return 0 if answered >= _REQUIRED_SHARE * tried else 1


if __name__ == '__main__':
  sys.exit(main())
