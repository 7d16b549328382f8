"""`python -m benchmarks [--all]`: the main benchmark, or every one."""

import pathlib
import subprocess
import sys

_MAIN = 'round'


def main(arguments: list[str]) -> None:
  """Runs the main benchmark and names the others; `--all` runs them, too.

  Each runs in a process of its own, so that none sees another's memory.
  """
  others = [
    path.stem
    for path in sorted(pathlib.Path(__file__).parent.glob('[a-z]*.py'))
    if path.stem != _MAIN and 'if __name__ ==' in path.read_text()
  ]
  runs_all = '--all' in arguments
  for name in [_MAIN, *(others if runs_all else [])]:
    print(f'== {name}', flush=True)
    given = [word for word in arguments if word != '--all' and name == _MAIN]
    subprocess.run([sys.executable, '-m', f'benchmarks.{name}', *given])
  if not runs_all:
    print(
      '\nFurther benchmarks: '
      + ', '.join(f'python -m benchmarks.{name}' for name in others)
      + '; all of them: python -m benchmarks --all'
    )


if __name__ == '__main__':
  main(sys.argv[1:])
