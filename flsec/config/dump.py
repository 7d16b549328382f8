"""Writes an experiment back as YAML, and says whether two are the same."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flsec.config import plugin_identity, yaml_file
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
  texts = plugin_identity.digests(to_dict(experiment))
  plain = _plain(experiment, is_identity=True)
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
  return _plain(value, is_identity=False)


def _plain(value: Any, *, is_identity: bool) -> Any:
  """Returns a value as `plain` does.

  Args:
    value: of a section, or one.
    is_identity: leave out the fields that came later, where they say nothing.
  """
  again = functools.partial(_plain, is_identity=is_identity)
  if isinstance(value, Component):
    return {'name': value.name, **again(value.options)}
  if dataclasses.is_dataclass(value):
    fields = {
      field.name: again(getattr(value, field.name))
      for field in dataclasses.fields(value)
      if not (is_identity and _says_nothing_later(field, value))
    }
    # The options of a data set or an attack stand beside its fields.
    options = fields.pop('options', {})
    first = {'name': fields['name']} if 'name' in fields else {}
    return {**first, **options, **fields}
  if isinstance(value, Mapping):
    return {str(key): again(one) for key, one in value.items()}
  if isinstance(value, (list, tuple)):
    return [again(one) for one in value]
  return value


def _says_nothing_later(field: 'dataclasses.Field[Any]', section: Any) -> bool:
  return (
    field.metadata.get('is_later', False)
    and getattr(section, field.name) == field.default
  )
