"""A round of federated training: flsec beside stock tff.learning, in one run.

Run `python -m benchmarks.round [--quick]`. The main work is LeNet-5 (44,426
weights) on 80 clients x 300 MNIST images: 2 epochs of SGD, batches of 24. Both
sides train the same images from the same kind of start; they run in turns, so
that the ratios hold on a machine that has other work. PyTorch takes part where
it is installed. Targets are printed beside what was measured; missing one is no
error.
"""

import argparse
import contextlib
from typing import Optional

import numpy as np

from benchmarks import flops, round_work, timing
from benchmarks.round_work import Work

_LENET = ('lenet5', {'padding': 'valid'})
_MANY_TIMES = 10


def main(arguments: Optional[list[str]] = None) -> None:
  """Prints the tables."""
  parser = argparse.ArgumentParser(prog='python -m benchmarks.round')
  parser.add_argument('--repeats', type=int, default=3, help='timed turns')
  parser.add_argument(
    '--quick', action='store_true', help='LeNet-5 alone, without scaling'
  )
  options = parser.parse_args(arguments)
  x, y, source = round_work.mnist(80, 300)
  print(f'80 clients x 300 images of {source}, 2 epochs, batch 24, SGD')
  lenet = Work(_LENET, x, y)
  _compare('LeNet-5', lenet, options.repeats, main_work=True)
  if options.quick:
    return
  _compare('five-layer MLP', Work(('mlp', {}), x, y), options.repeats)
  _compare('ResNet-20, 8 x 48 images', _resnet(), 1)
  _scaling(lenet, options.repeats)


def _resnet() -> Work:
  x, y = round_work.generated((32, 32, 3), 8 * 48)
  return Work(
    ('resnet20', {}), x.reshape(8, 48, 32, 32, 3), y.reshape(8, 48), epochs=1
  )


def _compare(
  name: str, work: Work, repeats: int, main_work: bool = False
) -> None:
  """Times a round of everyone who can do the work."""
  products = {
    'NumPy sgemm': timing.sgemm_call(),
    'TensorFlow sgemm': round_work.sgemm_call(),
  }
  with contextlib.ExitStack() as stack:
    calls = {
      'flsec': stack.enter_context(round_work.ours(work))[0],
      'stock tff.learning': stack.enter_context(round_work.stock(work)),
      **{name: call for name, (call, _) in products.items()},
    }
    if main_work:
      alone = round_work.training_alone(work)
      calls['training alone'] = stack.enter_context(alone)
      try:
        calls['PyTorch loop'] = round_work.torch_round(work)
      except ImportError as error:
        print(f'PyTorch takes no part: {error}')
    seconds = timing.in_turns(calls, repeats)
  mine = seconds['flsec']
  print(f'\n{name}\n  {"flsec":<34}{mine:9.3f} s a round')
  for peer, target in (('stock tff.learning', 7), ('PyTorch loop', 3)):
    if peer in seconds:
      target = target if main_work else 3
      _line(peer, seconds[peer], 's a round', seconds[peer] / mine, target)
  work_gigaflop = (
    flops.training_flops(work.keras_model()) * work.examples_trained / 1e9
  )
  rate = work_gigaflop / mine
  print(f'  {"rate":<34}{rate:9.1f} GFLOP/s')
  for peer, (_, gigaflop) in products.items():
    peer_rate = gigaflop / seconds[peer]
    share = 100 * rate / peer_rate
    print(
      f'  {f"in % of {peer}":<34}{share:9.0f} % of {peer_rate:.0f} GFLOP/s'
      f'{"  (target: 40 %)" if main_work else ""}'
    )
  if main_work:
    outside = 1 - seconds['training alone'] / mine
    print(
      f'  {"outside local training":<34}{100 * outside:9.1f} % of a round'
      '  (target: at most 5 %)'
    )


def _scaling(work: Work, repeats: int) -> None:
  """Prints how a round's time grows with the number of clients."""
  print(f'\n{work.num_clients} -> {_MANY_TIMES * work.num_clients} clients')
  many = Work(
    work.model,
    np.tile(work.x, (_MANY_TIMES, *[1] * (work.x.ndim - 1))),
    np.tile(work.y, (_MANY_TIMES, 1)),
  )
  with round_work.ours(work) as few_round, round_work.ours(many) as many_round:
    # A client's time with as many rounds of the few as one round of the many.
    seconds = timing.in_turns(
      {
        'few': lambda: [few_round[0]() for _ in range(_MANY_TIMES)],
        'many': many_round[0],
      },
      max(1, repeats - 1),
      warm=1,
    )
  growth = _MANY_TIMES * seconds['many'] / seconds['few']
  print(
    f'  {"a round of the many":<34}{seconds["many"]:9.3f} s, {growth:.2f} '
    'times a round of the few  (target: 9 to 11)'
  )


def _line(
  name: str, value: float, unit: str, ratio: float, target: float
) -> None:
  verdict = 'reached' if ratio >= target else 'MISSED'
  print(
    f'  {name:<34}{value:9.3f} {unit}; flsec is {ratio:.1f} times as fast '
    f'(target: {target}, {verdict})'
  )


if __name__ == '__main__':
  main()
