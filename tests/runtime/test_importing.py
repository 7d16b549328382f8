import gc
import importlib
import subprocess
import sys

import pytest

from flsec.runtime import importing


@pytest.fixture(name='package')
def _package(tmp_path, monkeypatch):
  """A package that is not imported yet; gone again after the test."""
  name = 'package_for_the_test_of_late_imports'
  folder = tmp_path / name
  folder.mkdir()
  (folder / '__init__.py').write_text('seven = 7\n')
  (folder / 'inner.py').write_text(f'from {name} import seven\n')
  monkeypatch.syspath_prepend(str(tmp_path))
  yield name
  for one in [one for one in sys.modules if one.startswith(name)]:
    del sys.modules[one]


def test_nothing_is_collected_in_the_block_alone():
  assert gc.isenabled()
  with importing.swift(owns_process=False):
    assert not gc.isenabled()
  assert gc.isenabled()
  with pytest.raises(ImportError), importing.swift(owns_process=False):
    raise ImportError
  assert gc.isenabled()


def test_a_program_that_does_not_collect_stays_like_that():
  gc.disable()
  try:
    with importing.swift(owns_process=False):
      pass
    assert not gc.isenabled()
  finally:
    gc.enable()


def test_only_in_a_process_of_its_own_something_is_left_behind(
  monkeypatch, package
):
  monkeypatch.setattr(importing, '_LATE', (package,))
  before = gc.get_freeze_count()
  with importing.swift(owns_process=False):
    assert package not in sys.modules
  assert gc.get_freeze_count() == before
  try:
    with importing.swift(owns_process=True):
      assert isinstance(sys.modules[package], importing._LateModule)
    assert gc.get_freeze_count() > before
  finally:
    gc.unfreeze()


def test_a_late_package_is_loaded_when_something_is_asked_of_it(package):
  importing._import_late(package)
  first = importlib.import_module(package)
  again = importlib.import_module(package)
  assert not hasattr(again, '__all__')
  assert 'seven' not in vars(first)
  assert first.seven == again.seven == 7
  assert type(sys.modules[package]) is type(sys)
  with pytest.raises(AttributeError, match="has no attribute 'eight'"):
    first.eight  # noqa: B018


def test_a_part_of_a_late_package_is_found(package):
  importing._import_late(package)
  inner = importlib.import_module(f'{package}.inner')
  assert inner.seven == 7
  assert sys.modules[package].inner is inner


def test_what_is_there_or_nowhere_is_left_alone(package):
  real = importlib.import_module(package)
  importing._import_late(package)
  assert sys.modules[package] is real
  importing._import_late('package_that_nobody_has')
  assert 'package_that_nobody_has' not in sys.modules


def test_a_late_package_that_breaks_says_so_each_time(package, tmp_path):
  (tmp_path / package / '__init__.py').write_text('import no_such_module\n')
  importing._import_late(package)
  late = importlib.import_module(package)
  for _ in range(2):
    with pytest.raises(ModuleNotFoundError, match='no_such_module'):
      late.seven  # noqa: B018


@pytest.mark.slow
def test_tff_does_without_late_packages_and_they_still_work():
  program = """
import sys
from flsec.runtime import importing
with importing.swift(owns_process=True):
  import tensorflow_federated as tff
assert 'tensorflow_probability.python' not in sys.modules
import tensorflow_probability as tfp
print(float(tfp.distributions.Normal(0.0, 1.0).cdf(0.0)))
"""
  done = subprocess.run(
    [sys.executable, '-W', 'ignore', '-c', program],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == '0.5\n'
  assert 'Exception ignored' not in done.stderr
