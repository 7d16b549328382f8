"""Tests of the choice of a device."""

import pytest
import tensorflow as tf

from flsec.config.schema import RuntimeConfig
from flsec.runtime import device


class _Seen:
  def __init__(self, kind):
    self.device_type = kind


@pytest.fixture
def machine(monkeypatch):
  """Says which devices TensorFlow sees; returns what was set on them."""
  grown = []

  def sees(*kinds):
    def listed(kind=None):
      return [_Seen(k) for k in kinds if kind in (None, k)]

    monkeypatch.setattr(tf.config, 'list_physical_devices', listed)
    monkeypatch.setattr(
      tf.config.experimental,
      'set_memory_growth',
      lambda one, value: grown.append((one.device_type, value)),
    )
    return grown

  return sees


def test_a_cpu_needs_no_compiler(machine):
  machine('CPU')
  assert device.choose_device(RuntimeConfig()) == device.Device('/CPU:0', False)


@pytest.mark.parametrize('kind', ['GPU', 'TPU'])
def test_auto_takes_the_accelerator_and_compiles(machine, kind):
  machine('CPU', kind)
  chosen = device.choose_device(RuntimeConfig())
  assert chosen == device.Device(f'/{kind}:0', True)


def test_cpu_may_be_asked_for(machine):
  machine('CPU', 'GPU')
  chosen = device.choose_device(RuntimeConfig(device='cpu'))
  assert chosen == device.Device('/CPU:0', False)


@pytest.mark.parametrize('wanted', [True, False])
def test_products_are_rounded_only_where_asked_for(wanted):
  device.choose_device(RuntimeConfig(tensor_float_32=wanted))
  enabled = tf.config.experimental.tensor_float_32_execution_enabled()
  assert enabled is wanted


def test_products_are_not_rounded_by_default():
  tf.config.experimental.enable_tensor_float_32_execution(True)
  device.choose_device(RuntimeConfig())
  assert not tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.mark.parametrize(
  ('xla', 'kinds', 'compiles'),
  [('always', ('CPU',), True), ('never', ('CPU', 'GPU'), False)],
)
def test_xla_follows_the_option(machine, xla, kinds, compiles):
  machine(*kinds)
  assert device.choose_device(RuntimeConfig(xla=xla)).uses_xla is compiles


@pytest.mark.parametrize('growth', [True, False])
def test_memory_grows_where_wanted(machine, growth):
  grown = machine('CPU', 'GPU')
  device.choose_device(RuntimeConfig(memory_growth=growth))
  assert grown == ([('GPU', True)] if growth else [])


def test_a_device_that_is_not_there_is_refused(machine):
  machine('CPU')
  with pytest.raises(ValueError, match='device=gpu, but TensorFlow sees only'):
    device.choose_device(RuntimeConfig(device='gpu'))


def test_workers_of_tff_run_on_the_cpu(machine):
  machine('CPU', 'GPU')
  assert device.choose_device(
    RuntimeConfig(context='tff_local')
  ) == device.Device('/CPU:0', False)
  with pytest.raises(ValueError, match='runs on the CPU only'):
    device.choose_device(RuntimeConfig(context='tff_local', device='gpu'))
