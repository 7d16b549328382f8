"""Runs that are killed at a random moment, or that a small disk stops."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import odd_bytes
import small_experiment

_ROUNDS = 12
_LONGEST = 600


def command(folder, config):
  """Returns the command that runs, or goes on with, the small experiment."""
  return [
    sys.executable,
    '-m',
    'flsec.main',
    'run',
    str(config),
    f'--output_dir={folder}',
    f'--set=rounds={_ROUNDS}',
    '--verbosity=-1',
  ]


def outcome(folder):
  """Returns what has to be the same however often a run was stopped."""
  (cell,) = folder.rglob('metrics.jsonl')
  rows = [json.loads(line) for line in cell.read_text().splitlines()]
  newest = max(cell.parent.glob('checkpoints/*.npz'))
  with np.load(newest) as archive:
    leaves = {
      name: archive[name].tobytes()
      for name in archive.files
      if name != 'manifest'
    }
  kept = [
    {k: v for k, v in row.items() if not k.startswith('time/')} for row in rows
  ]
  return repr(kept), newest.name, leaves


def kill_and_resume(place, config, whole, rng):
  """Kills a run at random moments until it is done; returns a complaint."""
  folder = pathlib.Path(place)
  limit = float(rng.uniform(0.0, 1.2))
  for attempt in range(20):
    process = subprocess.Popen(
      command(folder, config), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    # A share of what the whole run took, the later the further.
    seconds = (
      whole[0] * min(1.0, limit + 0.1 * attempt) if attempt < 4 else None
    )
    try:
      errors = process.communicate(timeout=seconds or _LONGEST)[1].decode()
    except subprocess.TimeoutExpired:
      process.kill()
      process.communicate()
      continue
    if process.returncode:
      return f'ended with {process.returncode}: {errors}'
    break
  same = outcome(folder) == whole[1]
  return '' if same else 'differs from the run that was not killed'


def kills(seed, count):
  """Kills and resumes runs; returns how many did not come out the same."""
  if not count:
    return 0
  found = 0
  with tempfile.TemporaryDirectory(prefix='flsec-kills-') as place:
    root = pathlib.Path(place)
    config = small_experiment.write(root / 'small.yaml') and root / 'small.yaml'
    start = time.monotonic()
    subprocess.run(
      command(root / 'whole', config), check=True, capture_output=True
    )
    whole = time.monotonic() - start, outcome(root / 'whole')
    for number in range(count):
      rng = odd_bytes.seeded(seed, 'kill', number)
      wrong = kill_and_resume(root / f'killed_{number}', config, whole, rng)
      if wrong:
        found += 1
        print(f'FOUND: kill {number} of seed {seed}: {wrong}', flush=True)
  return found


def disk_run(folder, kilobytes, config):
  """Runs on a file system of a size; returns a complaint, or ''."""
  folder.mkdir()
  size = f'size={kilobytes}k'
  mount = ['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', str(folder)]
  subprocess.run(mount, check=True, capture_output=True)
  try:
    ended = subprocess.run(
      command(folder / 'runs', config),
      capture_output=True,
      text=True,
      check=False,
      timeout=_LONGEST,
    )
    lines = [line for line in ended.stderr.splitlines() if 'flsec: ' in line]
    left = [str(path) for path in folder.rglob('*.partial')]
  finally:
    subprocess.run(['umount', str(folder)], check=True)
  if left:
    return f'left {left} behind'
  if ended.returncode == 0:
    return ''
  if 'Traceback' in ended.stderr or len(lines) != 1:
    return f'ended with {ended.returncode}: {ended.stderr}'
  return '' if 'disk' in lines[0] or 'space' in lines[0] else lines[0]


def disks(seed, count):
  """Runs on file systems of random sizes; returns how many ended badly."""
  found = 0
  with tempfile.TemporaryDirectory(prefix='flsec-disks-') as place:
    root = pathlib.Path(place)
    config = root / 'small.yaml'
    small_experiment.write(config)
    for number in range(count):
      rng = odd_bytes.seeded(seed, 'disk', number)
      kilobytes = int(2 ** rng.uniform(3, 12))
      try:
        wrong = disk_run(root / f'disk_{number}', kilobytes, config)
      except (OSError, subprocess.CalledProcessError) as error:
        print(f'No small file system may be made here: {error}')
        return found
      if wrong:
        found += 1
        print(f'FOUND: {kilobytes} KiB: {wrong}', flush=True)
  return found
