"""Puts faults into the pure rooms, one at a time, and runs their tests.

python tests/faults/mutants.py [--count=200] [--seed=0] [--seconds=100]
    [--only=FILE,...] [--mutant=FILE:N]

Samples mutants of all files of the pure rooms (`mutation` says of which kinds),
each file's share being that of its mutants, and prints which of them no test
notices. Each is tried in a copy of the checkout; the tests of the file come
first, then those that name it or its component. `--mutant` tries one again and
shows what its tests say. Ends with 1 where less than nine in ten are noticed.
"""

import argparse
import functools
import os
import pathlib
import re
import resource
import shutil
import signal
import sys
import tempfile

import mutation
import numpy as np

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = (
  'numerics',
  'aggregators',
  'attacks',
  'pruning',
  'metrics',
  'defenses',
)
KILLED, SURVIVED, ENDLESS = 'killed', 'survived', 'endless'
_CUT = (signal.SIGXCPU, signal.SIGKILL)
_REQUIRED_SHARE = 0.9
_EVERY_RULE = 'test_every_rule'


def files(checkout=CHECKOUT):
  """Returns the paths of the pure rooms' files, from the checkout's root."""
  found = (
    path
    for room in ROOMS
    for path in sorted((checkout / 'flsec' / room).rglob('*.py'))
  )
  return [str(path.relative_to(checkout)) for path in found]


def sample(counts, size, seed):
  """Draws mutants of files, without replacement.

  Args:
    counts: {file: how many mutants it has}.
    size: how many to draw; all of them where there are fewer.
    seed: of the draw.

  Returns:
    [(file, number of the mutant)], so that any first part is a sample, too.
  """
  every = [(file, n) for file, count in counts.items() for n in range(count)]
  rng = np.random.default_rng(seed)
  order = rng.permutation(len(every))[:size]
  return [every[index] for index in order]


def tests_of(file, checkout=CHECKOUT):
  """Returns the arguments of pytest for a file's tests, likely killers first.

  Returns:
    [[argument, ...], ...]: the file's own tests, those of every rule where it
    is one, those of its room that name it, those of files that import it, and
    those of every rule where it is beside them; all of its room where there are
    none.
  """
  path = checkout / file
  folder = checkout / 'tests' / path.relative_to(checkout).parts[1]
  source = re.sub(r'\(\s+', '(', path.read_text(encoding='utf-8'))
  named = re.compile(rf'\b{path.stem}\b')
  naming = [
    str(test.relative_to(checkout))
    for test in sorted(folder.rglob('test_*.py'))
    if test.stem != _EVERY_RULE and named.search(_text(test))
  ]
  stages = [_own_tests(path.stem, folder, checkout)]
  every_rule = f'tests/aggregators/{_EVERY_RULE}.py'
  is_rule = f"aggregator('{path.stem}'" in source
  if is_rule:
    stages.append([every_rule, '-k', f'[{path.stem}'])
  stages.append(naming)
  for importer in files(checkout):
    if re.search(rf'import [^)]*\b{path.stem}\b', _text(checkout / importer)):
      room = checkout / 'tests' / pathlib.PurePath(importer).parts[1]
      stem = pathlib.PurePath(importer).stem
      stages.append(_own_tests(stem, room, checkout))
  if folder.name == 'aggregators' and not is_rule:
    stages.append([every_rule])
  chosen, known = [], set()
  for stage in stages:
    fresh = [argument for argument in stage if argument not in known]
    known.update(argument for argument in fresh if argument != '-k')
    chosen += [fresh] if fresh else []
  return chosen or [[str(folder.relative_to(checkout))]]


def _own_tests(stem, folder, checkout):
  """Returns the files of tests that a source file's name is in."""
  found = sorted(folder.rglob(f'test_{stem}.py'))
  found = found or sorted(folder.rglob(f'test_*{stem}*.py'))
  return [
    str(test.relative_to(checkout))
    for test in found
    if test.stem != _EVERY_RULE
  ]


@functools.cache
def _text(path):
  return path.read_text(encoding='utf-8')


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
      for index, arguments in enumerate(tests_of(file)):
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
  import scipy.stats  # noqa: F401
  import tensorflow  # noqa: F401


def main():
  options = _parsed()
  _start_tensorflow()
  texts = {
    file: (CHECKOUT / file).read_text(encoding='utf-8')
    for file in (options.only.split(',') if options.only else files())
  }
  with tempfile.TemporaryDirectory(prefix='flsec-mutants-') as root:
    copy = Copy(root)
    if options.mutant:
      file, _, number = options.mutant.rpartition(':')
      text = (CHECKOUT / file).read_text(encoding='utf-8')
      found = mutation.mutant(text, int(number))
      print(f'{file}:{found.line}: {found.before} -> {found.after}')
      print(copy.outcome(file, found.text, options.seconds, quiet=False))
      return 0
    counts = {file: mutation.count(text) for file, text in texts.items()}
    drawn = sample(counts, options.count, options.seed)
    return _report(copy, texts, drawn, options.seconds)


def _report(copy, texts, drawn, seconds):
  """Tries mutants, prints what survives; returns the exit status."""
  seen = {room: dict.fromkeys((KILLED, SURVIVED, ENDLESS), 0) for room in ROOMS}
  for tried, (file, number) in enumerate(drawn, start=1):
    found = mutation.mutant(texts[file], number)
    outcome = copy.outcome(file, found.text, seconds)
    seen[pathlib.PurePath(file).parts[1]][outcome] += 1
    if outcome != KILLED:
      after = found.after or 'nothing'
      print(
        f'{tried}: {outcome} {file}:{number} (line {found.line}): '
        f'{found.before} -> {after}',
        flush=True,
      )
  for room, row in seen.items():
    print(f'{room:15}', ', '.join(f'{n} {s}' for s, n in row.items()))
  noticed = len(drawn) - sum(row[SURVIVED] for row in seen.values())
  print(f'{len(drawn)} mutants, {noticed} noticed ({noticed / len(drawn):.1%})')
  return 0 if noticed >= _REQUIRED_SHARE * len(drawn) else 1


if __name__ == '__main__':
  sys.exit(main())
