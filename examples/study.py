"""A study from Python: two rules against one attack, over two seeds.

python examples/study.py
"""

import numpy as np

import flsec


def study(rounds: int = 6) -> dict[str, float]:
  """Returns the mean accuracy of each rule in the attacked rounds.

  Args:
    rounds: of each run.
  """
  experiment = flsec.Experiment.of(
    name='study',
    rounds=rounds,
    dataset={'name': 'digits', 'num_train': 600},
    model={'name': 'mlp', 'hidden': [32]},
    clients={
      'num_clients': 10,
      'batch_size': 8,
      'optimizer': {'name': 'adam', 'learning_rate': 0.01},
    },
    attack={'name': 'sign_flip', 'num_byzantine': 3, 'start_round': 2},
  )
  swept: flsec.Sweep = flsec.sweep(
    experiment, {'server.aggregator': ['mean', 'median'], 'seed': [1, 2]}
  )
  found: dict[str, list[float]] = {}
  for result in swept.values():
    attacked = result.rows['attack/active'] == 1
    accuracy = float(np.mean(result.rows['test/accuracy'][attacked]))
    rule = str(result.config['server']['aggregator']['name'])
    found.setdefault(rule, []).append(accuracy)
  return {rule: float(np.mean(values)) for rule, values in found.items()}


if __name__ == '__main__':
  for name, value in study().items():
    print(f'{name}: {value:.4f}')
