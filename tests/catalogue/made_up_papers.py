"""A made-up paper: its experiment, its catalogue, its numbers, and its runs."""

import pathlib

import made_up_runs

from flsec.catalogue import papers
from flsec.config import dump, loading
from flsec.experiment import run_directory

EXPERIMENT = """# Two rules, without and with an attack.
name: mine
description: a made-up table
rounds: 30
dataset: {name: digits}
model: lenet5
clients: {num_clients: 20, optimizer: {learning_rate: 0.1}}
attack: {name: label_flip, num_byzantine: 4, start_round: 11}
sweep:
  rule:
    mean: {server.aggregator: mean}
    median: {server.aggregator: median}
  attack:
    none: {attack: null}
    flip: {}
sizes:
  small: {rounds: 30, sweep: {rule: [mean, median]}}
"""
CATALOGUE = """
title: Mine (Doe, 2024)
entries:
  table1:
    where: Table 1
    title: accuracy and its loss
    seeds: 2
    runs: [{file: mine.yaml}]
    measures:
      accuracy: {of: [final, test/accuracy], times: 100}
      loss: {of: [accuracy_loss], times: 100}
    causes: [{when: {rule: [median]}, because: the moon}]
  figure1:
    where: Figure 1
    title: a picture
    picture_only: true
    runs: [{file: mine.yaml, sweep: {attack: [flip]}}]
    measures: {accuracy: {of: [final, test/accuracy], times: 100}}
  figure2: {where: Figure 2, title: not made, picture_only: true}
"""
PRINTED = """rule,attack,measure,value,spread,unit,where,note
mean,none,accuracy,96,0.5,%,Table 1,
mean,flip,accuracy,10,,%,Table 1,
median,none,accuracy,50,,%,Table 1,
median,flip,accuracy,40,,%,Table 1,a misprint
mean,flip,loss,9.5,,points,Table 1,
"""


def write(folder: pathlib.Path) -> papers.Paper:
  """Writes the paper below a folder of experiments and reads it again."""
  here = folder / 'mine'
  (here / 'printed').mkdir(parents=True)
  (here / 'mine.yaml').write_text(EXPERIMENT)
  (here / 'catalogue.yaml').write_text(CATALOGUE)
  (here / 'printed' / 'table1.csv').write_text(PRINTED)
  return papers.read(folder)['mine']


def run(cells: list[loading.Cell], root: pathlib.Path) -> None:
  """Writes run directories as cells would leave them.

  Accuracy is a number for each rule and attack, and the seed in hundredths.
  """
  for cell in cells:
    config = dump.to_dict(cell.experiment)
    value = accuracy(cell.labels['rule'], cell.labels['attack'])
    value += 0.01 * cell.experiment.seed
    rows = [
      (n, {'test/accuracy': value, 'time/round_seconds': 1.0})
      for n in range(1, cell.experiment.rounds + 1)
    ]
    folder = root / cell.name
    made_up_runs.write_run(
      folder,
      config,
      rows,
      labels=False,
      fingerprint=dump.fingerprint(cell.experiment),
    )
    assert (folder / run_directory.DONE).exists()


def accuracy(rule: str, attack: str) -> float:
  """Returns the accuracy of a cell, before its seed counts."""
  return {
    ('mean', 'none'): 0.94,
    ('mean', 'flip'): 0.84,
    ('median', 'none'): 0.93,
    ('median', 'flip'): 0.91,
  }[rule, attack]
