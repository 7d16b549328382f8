"""Runs the programs of `flsec export --format=run` under JAX, to their end.

On any device that JAX has, without TensorFlow:

    flsec export --format=run --config=experiments/feder/table3.yaml
    python benchmarks/exported_run.py hlo results [CELL ...] [--seconds=500] \
        [--calls=3]
    flsec export --format=rows --config=experiments/feder/table3.yaml

The state stays on the device from call to call; a call is the rounds up to the
next test. Of each cell `results/<cell>.npz` holds, by name: the metrics of
every round (those with a number for each client only of tested rounds, unless
they are whole numbers), what each test counted, the last state, the seconds of
each call and the device. A cell that is not finished when the seconds or the
calls of this run are over goes on from its file in the next one.
"""

import concurrent.futures
import json
import math
import os
import pathlib
import re
import sys
import time
from typing import Any

import exported
import jax
import numpy as np
from jax.interpreters import mlir
from jaxlib.mlir import ir

# Programs compiled at once, beside the one that runs.
_COMPILERS = max(1, (os.cpu_count() or 1) // 2)
_PROGRAM, _MANIFEST = 'run.hlo.pb', 'run.json'


class Cell:
  """A cell of an experiment, as far as it has come.

  Attributes:
    folder: of its program.
    manifest: what names the arguments and results of its program.
    compiled: a future of the program.
  """

  def __init__(self, folder: pathlib.Path, results: pathlib.Path) -> None:
    """Reads the cell's manifest and what an earlier run left of it."""
    self.folder = folder
    self.manifest = json.loads((folder / _MANIFEST).read_text())
    self.compiled: Any = None
    self._data = folder.parent / 'data'
    self._path = results / f'{folder.name}.npz'
    self._parts: dict[str, list[np.ndarray]] = {}
    self._state: dict[str, Any] = {}
    if self._path.exists():
      with np.load(self._path) as file:
        kept = dict(file)
      for name, value in kept.items():
        if name.startswith('state/'):
          self._state[name] = value
        elif name not in ('device', 'fingerprint'):
          self._parts[name] = [value]

  @property
  def calls_left(self) -> int:
    """How many calls the run still takes."""
    done = sum(map(len, self._parts.get('seconds', [])))
    every = self.manifest['rounds_of_call']
    return self.manifest['rounds'] // every - done

  def run(self, held: dict[str, Any], until: float, calls: float) -> None:
    """Runs calls until the cell is finished or the time is over; saves.

    Args:
      held: arrays on the device by file name; cells share them.
      until: as `time.monotonic` tells it.
      calls: at most so many.
    """
    call, names = self.compiled.result(), list(self.manifest['arguments'])
    arguments = {}
    for name, file in self.manifest['arguments'].items():
      if name in self._state:
        arguments[name] = jax.device_put(self._state[name])
        continue
      if file not in held:
        with np.load(self._data / file) as arrays:
          held[file] = jax.device_put(arrays['arr_0'])
      arguments[name] = held[file]
    waiting, started = None, time.perf_counter()
    least = max(0, self.calls_left - calls)
    while self.calls_left > least and time.monotonic() < until:
      results = call(*(arguments[name] for name in names))
      named = dict(zip(self.manifest['results'], results))
      arguments.update((n, v) for n, v in named.items() if n in arguments)
      # Read while the next call is under way.
      if waiting is not None:
        self._keep(waiting)
      waiting = named
      jax.block_until_ready(results[0])
      ended = time.perf_counter()
      self._parts.setdefault('seconds', []).append(np.array([ended - started]))
      started = ended
    if waiting is not None:
      self._keep(waiting)
    self._state = {
      name: np.asarray(value)
      for name, value in arguments.items()
      if name.startswith('state/')
    }
    self._save()

  def report(self) -> str:
    """Says how far the cell is and how long a round took (median)."""
    seconds = np.concatenate(self._parts.get('seconds', [np.zeros(0)]))
    if not len(seconds):
      return f'{self.folder.name}: not begun'
    every = self.manifest['rounds_of_call']
    right = self._parts['counted/right'][-1][-1].sum()
    milliseconds = 1e3 * np.median(seconds) / every
    return (
      f'{self.folder.name}: {len(seconds) * every} rounds, '
      f'{milliseconds:.2f} ms a round, {seconds.sum():.1f} s, right {right}'
    )

  def _keep(self, named: dict[str, Any]) -> None:
    every = self.manifest['rounds_of_call']
    for name, value in named.items():
      group = name.split('/')[0]
      if group == 'state':
        continue
      array = np.asarray(value)
      if group == 'counted':
        array = array[None]
      elif array.ndim > 1 and array.dtype.kind == 'f':
        array = array[every - 1 :]
      self._parts.setdefault(name, []).append(array)

  def _save(self) -> None:
    self._path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: np.concatenate(v) for name, v in self._parts.items()}
    self._parts = {name: [value] for name, value in whole.items()}
    with open(self._path, 'wb') as file:
      device = np.array(jax.devices()[0].device_kind)
      np.savez_compressed(
        file,
        device=device,
        fingerprint=np.array(self.manifest['fingerprint']),
        **whole,
        **self._state,
      )


def main(arguments: list[str]) -> None:
  """Runs the cells of a folder, in the order of their names or as given."""
  # Seeds are int64; without this JAX would cut them to 32 bits.
  jax.config.update('jax_enable_x64', True)
  until = time.monotonic() + _option(arguments, '--seconds=')
  calls = _option(arguments, '--calls=')
  places = [a for a in arguments if not a.startswith('--')]
  exports, results = map(pathlib.Path, places[:2])
  folders = [exports / name for name in places[2:]] or sorted(
    path.parent for path in exports.glob(f'*/{_MANIFEST}')
  )
  cells = [Cell(folder, results) for folder in folders]
  cells = [cell for cell in cells if cell.calls_left > 0]
  modules = [exported.module_of(cell.folder / _PROGRAM) for cell in cells]
  # Cells that differ in their data alone share a program. All are read before
  # the first is compiled, on threads of their own.
  texts = [_text(module) for module in modules]
  device = jax.devices()[0].device_kind
  print(f'{len(cells)} cells, {len(set(texts))} programs, {device}', flush=True)
  programs: dict[str, Any] = {}
  held: dict[str, Any] = {}
  with concurrent.futures.ThreadPoolExecutor(_COMPILERS) as pool:
    for cell, text, module in zip(cells, texts, modules):
      if text not in programs:
        programs[text] = pool.submit(_timed_load, cell.folder.name, module)
      cell.compiled = programs[text]
    for cell in cells:
      if time.monotonic() < until:
        cell.run(held, until, calls)
        print(cell.report(), flush=True)
    pool.shutdown(wait=False, cancel_futures=True)


def _option(arguments: list[str], name: str) -> float:
  given = [a[len(name) :] for a in arguments if a.startswith(name)]
  return float(given[-1]) if given else math.inf


def _text(module: bytes) -> str:
  """Returns a module as text without the numbers of TensorFlow's functions."""
  with mlir.make_ir_context():
    text = str(ir.Module.parse(module))
  return re.sub(r'_\d+_(const_)?_', '__', text)


def _timed_load(name: str, module: bytes) -> Any:
  started = time.perf_counter()
  call = exported.compiled(module)
  took = time.perf_counter() - started
  print(f'compiled {name} in {took:.1f} s', flush=True)
  return call


if __name__ == '__main__':
  if len(sys.argv) < 3:
    sys.exit(__doc__)
  main(sys.argv[1:])
