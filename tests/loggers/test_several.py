"""Several loggers as one, of which some may fail."""

import pathlib

import pytest
from absl import logging

from flsec.loggers.logger import Logger, Run, kept_word
from flsec.loggers.several import LoggerError, Several

_RUN = Run('sweep', 'seed=1', pathlib.Path(), {}, {})


class _Told(Logger):
  def __init__(self, error_at='', may_fail=False):
    self.told, self._error_at, self.may_fail = [], error_at, may_fail

  def _take(self, method, *arguments):
    self.told.append((method, *arguments))
    if method == self._error_at:
      raise ConnectionError('the network\nis gone')

  def begin(self, run):
    self._take('begin', run)

  def scalars(self, step, values):
    self._take('scalars', step, values)

  def text(self, step, name, text):
    self._take('text', step, name, text)

  def image(self, step, name, image):
    self._take('image', step, name, image)

  def histogram(self, step, name, values):
    self._take('histogram', step, name, values)

  def close(self):
    self._take('close')


def _all(logger):
  logger.begin(_RUN)
  logger.text(0, 'config', 'seed: 1')
  logger.scalars(1, {'a': 2.0})
  logger.image(1, 'i', 'pixels')
  logger.histogram(1, 'h', [1.0])
  logger.close()


_EVERYTHING = [
  ('begin', _RUN), ('text', 0, 'config', 'seed: 1'), ('scalars', 1, {'a': 2.0}),
  ('image', 1, 'i', 'pixels'), ('histogram', 1, 'h', [1.0]), ('close',),
]  # fmt: skip


def test_each_is_told_everything():
  one, other = _Told(), _Told()
  _all(Several({'one': one, 'other': other}))
  assert one.told == other.told == _EVERYTHING


def test_one_that_may_fail_is_left_out_from_then_on(monkeypatch):
  warned = []
  monkeypatch.setattr(logging, 'warning', lambda text, *w: warned.append(w))
  failing, other = _Told('scalars', may_fail=True), _Told()
  _all(Several({'failing': failing, 'other': other}))
  assert other.told == _EVERYTHING
  assert failing.told == _EVERYTHING[:3]
  assert warned == [('failing', 'ConnectionError: the network is gone')]


def test_an_error_in_another_ends_the_run():
  with pytest.raises(ConnectionError):
    _all(Several({'failing': _Told('scalars')}))


def test_one_that_cannot_begin_is_refused_by_name():
  failing = _Told('begin', may_fail=True)
  with pytest.raises(LoggerError) as error:
    Several({'runtime.loggers.1 (wandb)': failing}).begin(_RUN)
  assert str(error.value) == (
    'runtime.loggers.1 (wandb) cannot begin: ConnectionError: the network is '
    'gone. Set it up, or take it out.'
  )
  with pytest.raises(ConnectionError):
    Several({'own': _Told('begin')}).begin(_RUN)


def test_a_logger_takes_only_what_it_overrides():
  _all(Logger())


def test_a_word_is_kept(tmp_path):
  path = tmp_path / 'id.txt'
  assert [kept_word(path, word) for word in ('a', 'b')] == ['a', 'a']


def test_the_name_of_a_run_is_one_among_all_experiments():
  assert _RUN.name == 'sweep/seed=1'
