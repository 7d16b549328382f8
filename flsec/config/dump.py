"""Writes an experiment back as YAML, and says whether two are the same."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flsec.config import later_fields, plugin_identity, yaml_file
from flsec.config.schema import Component, Experiment, RuntimeConfig

_IGNORED = ('description', 'plugins', 'runtime', 'name')
_FINGERPRINT_LENGTH = 16


def to_dict(experiment: Experiment) -> dict[str, Any]:
  """Returns the plain mapping that `structure` makes this experiment of."""
  return plain(experiment)


def to_yaml(experiment: Experiment) -> str:
  """Returns YAML that loads back as an equal experiment.

  Comments in front name the texts of the plug-ins that it takes parts from.
  """
  plain = to_dict(experiment)
  return plugin_identity.comment(plain) + yaml_file.write(plain)


def fingerprint(experiment: Experiment) -> str:
  """Returns a hash that two experiments share when their results agree.

  What only describes a run, says where it runs or when it stops, does not
  count, so that an unfinished run may be resumed on other hardware, or beyond a
  round that stopped it. Precision does count, and so does the text of the
  plug-ins.
  """
  text = json.dumps(identity(experiment), sort_keys=True, default=repr)
  return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def identity(experiment: Experiment) -> dict[str, Any]:
  """Returns all that a run's results depend on, as a plain mapping."""
  plain = to_dict(experiment)
  texts = plugin_identity.digests(plain)
  later_fields.drop(experiment, plain)
  for key in _IGNORED:
    plain.pop(key)
  plain['server'].pop('on_non_finite')
  for name in RuntimeConfig.PRECISIONS:
    plain[name] = getattr(experiment.runtime, name)
  if texts:
    plain['plugins'] = sorted(texts.values())
  return plain


def plain(value: Any) -> Any:
  """Returns a value as a YAML file holds it: mappings, lists and scalars."""
  if isinstance(value, Component):
    return {'name': value.name, **plain(value.options)}
  if dataclasses.is_dataclass(value):
    fields = {
      field.name: plain(getattr(value, field.name))
      for field in dataclasses.fields(value)
    }
    # The options of a data set or an attack stand beside its fields.
    options = fields.pop('options', {})
    first = {'name': fields['name']} if 'name' in fields else {}
    return {**first, **options, **fields}
  if isinstance(value, Mapping):
    return {str(key): plain(one) for key, one in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(one) for one in value]
  return value
