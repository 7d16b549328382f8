"""Which runtime a configuration gets."""

import dataclasses

import pytest
import tiny_federation as tiny

from flsec.config import schema
from flsec.federated import process
from flsec.runtime import build, device, in_process, threads


@pytest.fixture(scope='module')
def built():
  return process.build_process(tiny.plan())


def _config(**options):
  return dataclasses.replace(schema.RuntimeConfig(), **options)


def test_in_process_is_the_default(built):
  with build.build_runtime(_config(), built, device.Device()) as runtime:
    assert isinstance(runtime, in_process.InProcess)
    assert runtime._num_threads == threads.usable_cores()


def test_threads_are_those_asked_for(built):
  config = _config(threads=3)
  with build.build_runtime(config, built, device.Device()) as runtime:
    assert runtime._num_threads == 3


def test_tff_local_starts_a_worker(built, monkeypatch):
  from flsec.runtime import tff_local

  monkeypatch.setattr(tff_local, 'TffLocal', lambda process: ('local', process))
  config = _config(context='tff_local')
  found = build.build_runtime(config, built, device.Device())
  assert found == ('local', built)


def test_unknown_context_is_refused(built):
  config = _config(context='somewhere')
  with pytest.raises(ValueError, match="tff_remote; got 'somewhere'"):
    build.build_runtime(config, built, device.Device())
