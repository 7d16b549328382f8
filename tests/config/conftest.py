"""A small valid configuration, and a way to change it."""

import copy
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from flsec.config import loading, overrides, yaml_file
from flsec.config.schema import Experiment

_RAW = {
  'name': 'small',
  'rounds': 3,
  'dataset': {'name': 'digits'},
  'model': 'lenet5',
  'clients': {
    'num_clients': 20,
    'optimizer': {'learning_rate': 0.1},
  },
  'attack': {'name': 'label_flip', 'num_byzantine': 4},
}


@pytest.fixture
def raw() -> dict[str, Any]:
  """What a small YAML file holds."""
  return copy.deepcopy(_RAW)


@pytest.fixture
def build(raw) -> Callable[..., Experiment]:
  """`build('attack.num_byzantine=3', ...)`: the experiment so changed."""

  def changed(*texts: str) -> Experiment:
    flags = [overrides.parse(text) for text in texts]
    return loading.from_mapping(overrides.apply(raw, flags))

  return changed


@pytest.fixture
def write(raw: dict[str, Any], tmp_path: pathlib.Path) -> Callable[..., str]:
  """Writes the small experiment, changed, and returns the file."""

  def written(**changes) -> str:
    path = tmp_path / 'small.yaml'
    path.write_text(yaml_file.write({**raw, **changes}))
    return str(path)

  return written
