"""Runs every installation recipe of BUILD.md from an empty environment.

usage: python scripts/check_install.py [RECIPE ...]

A recipe is what the fences ```bash recipe=NAME say, and ```toml recipe=NAME
file=FILE write, in an empty folder with the files of `make dist` beside it. It
has to end with a finished quickstart and with `flsec doctor` content. The
Dockerfile is built and run where there is a Docker engine; elsewhere its
commands are run in an environment in place of a container. Takes minutes and 3
GB for each, one after the other.
"""

import collections
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
_FENCE = re.compile(
  r'^```(\w+) recipe=(\S+)(?: file=(\S+))?\n((?:.*\n)*?)```$', re.MULTILINE
)
_DOCKER = 'docker'
_BUILT = """\
docker build -t flsec-check "$CHECKOUT"
python() {
  docker run --rm -v "$TOP:/work" --entrypoint python flsec-check "$@"
}
docker run --rm -v "$TOP:/work" flsec-check run quickstart
"""
# The last lines of each recipe: how long the start takes, beside Python's own.
_STARTS = """
import resource, subprocess, sys
def spent():
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime
def seconds(*words):
  def once():  # Of the processor: others may be at work, too.
    begun = spent()
    command = [sys.executable, *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return spent() - begun
  return min(once() for _ in range(9))
bare = seconds('-c', 'pass')
for words in (['--help'], ['list']):
  ratio = seconds('-m', 'flsec.main', *words) / bare
  print(f'flsec {words[0]}: {ratio:.1f} times as long as python -c pass')
"""


def recipes() -> dict[str, list[tuple[str, str]]]:
  """Returns the recipes: by name, (file to write or '', text)."""
  text = (ROOT / 'BUILD.md').read_text(encoding='utf-8')
  found = collections.defaultdict(list)
  for _, name, file, body in _FENCE.findall(text):
    found[name].append((file, body))
  has_engine = _has_docker_engine()
  found[_DOCKER].append(('', _BUILT if has_engine else docker_commands()))
  return dict(found)


def _has_docker_engine() -> bool:
  return (
    shutil.which('docker') is not None
    and subprocess.run(
      ['docker', 'info'], capture_output=True, check=False
    ).returncode
    == 0
  )


def docker_commands() -> str:
  """Returns what the Dockerfile runs, as commands of a shell.

  Raises:
    ValueError: it holds an instruction that this does not know.
  """
  lines = ['python3.11 -m venv env', 'source env/bin/activate']
  text = (ROOT / 'Dockerfile').read_text(encoding='utf-8')
  for line in text.splitlines():
    word, _, rest = line.partition(' ')
    if word == 'WORKDIR':
      folder = rest.strip('/').replace('/', '_')
      lines.append(f'mkdir -p "$TOP/{folder}" && cd "$TOP/{folder}"')
    elif word == 'COPY':
      origin, target = rest.split()
      # Of a folder what git tracks, as .dockerignore leaves it over.
      lines.append(
        f'(cd "$CHECKOUT" && git ls-files -z {origin} | tar -c --null -T -) | '
        f'tar -x -C {target}'
      )
    elif word == 'RUN':
      lines.append(rest)
    elif word not in ('', '#', 'FROM', 'CMD', 'ENTRYPOINT'):
      raise ValueError(f'Dockerfile: {word} is not run by this check.')
  return '\n'.join([*lines, 'flsec run quickstart', ''])


def check(name: str, parts: list[tuple[str, str]], dist: pathlib.Path) -> bool:
  """Runs a recipe; returns whether it ended as it has to."""
  print(f'== {name}', flush=True)
  begun = time.monotonic()
  with tempfile.TemporaryDirectory(prefix=f'flsec-{name}-') as scratch:
    folder = pathlib.Path(scratch)
    for file in dist.iterdir():
      shutil.copy(file, folder)
    script = 'set -euo pipefail\nset -x\n'
    for file, body in parts:
      if file:
        (folder / file).write_text(body, encoding='utf-8')
      else:
        script += body
    python = 'uv run python' if '\nuv run ' in script else 'python'
    script += f'{python} -m flsec.main doctor\n'
    script += f'{python} -c {shlex.quote(_STARTS)}\n'
    done = subprocess.run(
      ['bash', '-c', script], cwd=folder, env=_environment(folder), check=False
    )
    finished = list(folder.rglob('runs/quickstart/*/DONE'))
  is_well = done.returncode == 0 and len(finished) == 1
  seconds = time.monotonic() - begun
  print(f'== {name}: {"ok" if is_well else "FAILED"}, {seconds:.0f} s\n')
  return is_well


def _environment(folder: pathlib.Path) -> dict[str, str]:
  """Returns a person's environment: nothing that leads to this checkout."""
  unwanted = ('PYTHONPATH', 'VIRTUAL_ENV', 'PYTHONHOME', 'FLSEC_DATA_DIR')
  kept = {k: v for k, v in os.environ.items() if k not in unwanted}
  return {
    **kept,
    'CHECKOUT': str(ROOT),
    'TOP': str(folder),
    'FLSEC_WHEEL': next(folder.glob('*.whl'), folder).name,
  }


def main(names: list[str]) -> int:
  """Checks the recipes of these names, or all; returns the exit code."""
  known = recipes()
  for name in names:
    if name not in known:
      print(f'No recipe {name}. There are: {", ".join(known)}', file=sys.stderr)
      return 2
  if shutil.which('uv') is None:
    print('Install uv first: pipx install uv', file=sys.stderr)
    return 2
  with tempfile.TemporaryDirectory(prefix='flsec-dist-') as scratch:
    dist = pathlib.Path(scratch)
    subprocess.run(
      [ROOT / '.venv/bin/python', ROOT / 'scripts/make_dist.py', dist],
      check=True,
      stdout=subprocess.DEVNULL,
    )
    failed = [
      name for name in names or known if not check(name, known[name], dist)
    ]
  print(f'failed: {", ".join(failed)}' if failed else 'Every recipe works.')
  return 1 if failed else 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
