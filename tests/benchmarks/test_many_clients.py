import json
import subprocess

import pytest

from benchmarks import many_clients


def answer(code=0, out='', errors=''):
  return subprocess.CompletedProcess([], code, out, errors)


def figures(gib):
  return json.dumps({'seconds': 2.0, 'GiB': gib, 'f': 3, 'd': 70})


@pytest.mark.parametrize(
  ('finished', 'is_fine', 'words'),
  [
    (answer(out='noise\n' + figures(7.9)), True, '3 70 2.0 7.90'),
    (answer(out=figures(8.1)), False, '3 70 2.0 8.10 TOO MUCH MEMORY'),
    (answer(1, errors='Trace\nValueError: n'), False, 'FAILED: ValueError: n'),
    (answer(1), False, 'FAILED: no message'),
    (answer(-9), False, 'FAILED: ended by SIGKILL (out of memory?)'),
  ],
)
def test_a_row_says_how_a_rule_did(finished, is_fine, words):
  found, row = many_clients.describe(finished)
  assert (found, ' '.join(row.split())) == (is_fine, words)


@pytest.mark.parametrize(
  ('name', 'f', 'd'),
  [('trimmed_mean', 3, 300), ('minimum_diameter', 3, 300), ('fltrust', 3, 290)],
)
def test_a_rule_is_measured(name, f, d, capsys):
  many_clients.measure(name, 15, 300)
  found = json.loads(capsys.readouterr().out)
  assert (found['f'], found['d']) == (f, d)
  assert found['seconds'] > 0 and 0.1 < found['GiB'] < 8


def test_every_rule_runs_alone_and_one_failure_is_enough(capsys, monkeypatch):
  commands = []

  def run(command, **_):
    commands.append(command[-3:])
    return answer(1) if command[-3] == 'krum' else answer(out=figures(1.0))

  monkeypatch.setattr(many_clients.subprocess, 'run', run)
  assert many_clients.main('15', '300') == 1
  names = [case.name for case in many_clients.CASES]
  assert commands == [[name, '15', '300'] for name in names]
  assert capsys.readouterr().out.count('FAILED') == 1


def test_all_within_the_bound_is_success(monkeypatch):
  fine = answer(out=figures(1.0))
  monkeypatch.setattr(many_clients.subprocess, 'run', lambda *_, **__: fine)
  assert many_clients.main() == 0


def test_a_rule_without_a_case_is_a_failure(capsys, monkeypatch):
  fine = answer(out=figures(1.0))
  monkeypatch.setattr(many_clients.subprocess, 'run', lambda *_, **__: fine)
  monkeypatch.setattr(many_clients, 'without_a_case', lambda: ['new_rule'])
  assert many_clients.main() == 1
  assert 'no case for: new_rule' in capsys.readouterr().out
