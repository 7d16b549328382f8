"""Each format says every number, and reads back where programs read it."""

import csv
import io
import json
import re

import pytest

from flsec.reporting import formats
from flsec.reporting.spread import Spread
from flsec.reporting.table import COUNT, SECONDS, Column, Number, Table

_SPREAD = Spread(0.912345, 0.9, 0.95, 3)
_TABLE = Table(
  'accuracy',
  'Accuracy in %',
  [Column(''), Column('last', 'alie'), Column('mean', 'alie'),
   Column('last', 'a_very_long_attack & more', is_apart=True)],
  [['krum', Number(_SPREAD), Number(0.5), Number(0.25)],
   ['a_b|c', Number(None), Number(None), Number(1.0)]],
  notes=['1 of 7 runs is not finished.'],
)  # fmt: skip


class TestEntry:
  @pytest.mark.parametrize(
    ('entry', 'text'),
    [
      ('krum', 'krum'),
      (Number(0.97654), '97.65'),
      (Number(None), '-'),
      (Number(12.345, SECONDS), '12.3'),
      (Number(18, COUNT), '18'),
      (Number(Spread(0.5, 0.5, 0.5, 1)), '50.00'),
      (Number(_SPREAD), '91.23 [90.00, 95.00]'),
      (Number(Spread(0.5, 0.4, 0.6, 3, 'mean')), '50.00 ± 10.00'),
    ],
  )
  def test_text(self, entry, text):
    assert formats.entry_text(entry) == text

  def test_n_is_said_where_it_differs(self):
    one = Number(Spread(0.5, 0.5, 0.5, 1))
    assert formats.entry_text(one, [1, 3]) == '50.00 (n=1)'
    text = formats.entry_text(Number(_SPREAD), [1, 3])
    assert text == '91.23 [90.00, 95.00] (n=3)'
    assert formats.entry_text(Number(0.5), [1, 3]) == '50.00'


class TestText:
  def test_numbers_to_the_right_words_to_the_left(self):
    table = Table(
      'x', '', [Column('rule'), Column('n')],
      [['mean', Number(5, COUNT)], ['krum', Number(None)],
       ['x', Number(10, COUNT)]],
    )  # fmt: skip
    assert formats.to_text(table) == (
      'rule   n\n----  --\nmean   5\nkrum   -\nx     10\n'
    )

  def test_groups_stand_over_their_columns(self):
    lines = formats.to_text(_TABLE).splitlines()
    assert lines[0] == 'Accuracy in %' and lines[-1] == _TABLE.notes[0]
    over, names, rule, krum, other = lines[1:-1]
    assert over.index('alie') == rule.index('-', 6)
    assert over.index('a_very') == rule.rindex(' ') + 1
    assert names.split() == ['last', 'mean', 'last']
    assert krum == 'krum   91.23 [90.00, 95.00]  50.00' + 22 * ' ' + '25.00'
    assert len(krum) == len(other) == len(rule)

  def test_a_table_too_wide_for_a_terminal_is_unfolded(self):
    columns = [Column('')]
    columns += [Column('last', f'attack {i}') for i in range(12)]
    rows = [['krum', *[Number(0.5)] * 12]]
    wide = Table('x', '', columns, rows)
    assert len(formats.to_text(wide).splitlines()) == 4
    wide = Table('x', '', columns, rows, unfolds=True)
    lines = formats.to_text(wide).splitlines()
    assert lines[2:] == [f'attack {i:<2}  krum  50.00' for i in range(12)]

  def test_no_rows(self):
    assert formats.to_text(Table('x', '', [Column('a')], [])) == 'a\n-\n'


class TestForPrograms:
  def test_csv(self):
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(_TABLE))))
    assert rows[0] == {
      'row': 'krum',
      'alie, last': '0.912345',
      'alie, last, low': '0.9',
      'alie, last, high': '0.95',
      'alie, last, n': '3',
      'alie, mean': '0.5',
      'a_very_long_attack & more, last': '0.25',
    }
    assert rows[1]['alie, last'] == rows[1]['alie, last, n'] == ''

  def test_json(self):
    found = json.loads(formats.to_json(_TABLE))
    assert found['caption'] == 'Accuracy in %'
    assert found['notes'] == ['1 of 7 runs is not finished.']
    assert found['rows'][0]['alie, last'] == 0.912345
    assert found['rows'][1] == {
      'row': 'a_b|c',
      'alie, last': None,
      'alie, last, low': None,
      'alie, last, high': None,
      'alie, last, n': None,
      'alie, mean': None,
      'a_very_long_attack & more, last': 1.0,
    }


class TestMarkdown:
  def test_a_row_a_line_and_bars_escaped(self):
    lines = formats.to_markdown(_TABLE).splitlines()
    assert lines[0] == 'Accuracy in %:' and lines[-1] == _TABLE.notes[0]
    head, rule, krum, other = lines[2:6]
    assert rule == '| --- | ---: | ---: | ---: |'
    assert head.count('|') == krum.count('|') == 5
    assert krum == '| krum | 91.23 [90.00, 95.00] | 50.00 | 25.00 |'
    assert other.startswith(r'| a_b\|c | - |')


class TestLatex:
  def test_booktabs(self):
    text = formats.to_latex(_TABLE)
    lines = text.splitlines()
    assert lines[0] == '% Accuracy in %'
    assert lines[2] == r'\begin{tabular}{lrrr}' and lines[3] == r'\toprule'
    assert lines[4] == (
      r'& \multicolumn{2}{c}{alie} & \multicolumn{1}{c}'
      r'{a\_very\_long\_attack \& more} \\'
    )
    assert lines[5] == r'\cmidrule(lr){2-3} \cmidrule(lr){4-4}'
    assert lines[8] == r'krum & 91.23 [90.00, 95.00] & 50.00 & 25.00 \\'
    assert lines[9] == r'a\_b\textbar{}c & - & - & 100.00 \\'
    assert lines[-2:] == [r'\bottomrule', r'\end{tabular}']

  def test_every_row_has_as_many_columns(self):
    body = formats.to_latex(_TABLE).splitlines()[6:-2]
    rows = [line for line in body if line.endswith(r'\\')]
    assert {len(re.findall(r'(?<!\\)&', row)) for row in rows} == {3}

  @pytest.mark.parametrize(
    ('text', 'latex'),
    [
      ('a_b%$#&{}', r'a\_b\%\$\#\&\{\}'),
      (r'\x', r'\textbackslash{}x'),
      ('50.00 ± 1.00', r'50.00 $\pm$ 1.00'),
      ('[1, 2]', '{}[1, 2]'),
    ],
  )
  def test_no_letter_is_a_command(self, text, latex):
    assert formats.to_latex_text(text) == latex
