"""What is tried with odd inputs, and what may come of it.

A subject makes one input from a generator and hands it to a part of flsec. It
returns what was seen: `accepted` or `refused`. Any exception that it lets pass
is a finding.
"""

import functools
import gzip
import json

import data_formats
import hostile_updates
import numpy as np
import odd_bytes
import odd_components
import reference_files
import rule_cases
import saved_state
import small_experiment
import tensorflow as tf
import yaml

from flsec.aggregators.rule import ServerContext
from flsec.attacks.data import numpy_file, trigger_file
from flsec.config import loading, reference_stack, yaml_file
from flsec.config.errors import ConfigError
from flsec.data.errors import DataFileError
from flsec.experiment import checkpoint, metric_rows, preflight

ACCEPTED, REFUSED = 'accepted', 'refused'


def configuration(rng, folder):
  """A configuration with odd values, or with odd bytes."""
  raw = {**small_experiment.RAW, 'sweep': {'seed': [1, 2]}}
  return _config(rng, folder, raw, lambda path: loading.load_cells(str(path)))


def components(rng, folder):
  """An experiment with odd options of a component, built as before a run."""
  del folder
  raw = odd_components.odd_experiment(rng)

  def check():
    for cell in loading.cells_of(raw, loading.MAPPING):
      preflight.check_components(cell.experiment)

  return _outcome(check, ConfigError)


def conversion(rng, folder):
  """A configuration of the reference code, likewise."""
  raw = reference_files.flat() if rng.random() < 0.5 else None
  return _config(
    rng,
    folder,
    raw or reference_files.sections(),
    lambda path: reference_stack.convert(yaml_file.read(str(path))),
  )


def _config(rng, folder, raw, read):
  path = folder / 'odd.yaml'
  if rng.random() < 0.7:
    text = yaml.safe_dump(odd_bytes.odd_tree(raw, rng), sort_keys=False)
    path.write_text(text, encoding='utf-8')
  else:
    text = yaml.safe_dump(raw, sort_keys=False).encode()
    path.write_bytes(odd_bytes.damaged(text, rng))
  return _outcome(lambda: read(path), ConfigError)


def data_file(rng, folder):
  """A damaged data file of any format."""
  formats = sorted(data_formats.FORMATS)
  name = formats[rng.integers(len(formats))]
  write, read = data_formats.FORMATS[name]
  path = folder / name
  content = data_formats.whole(name, write, folder)
  if name.endswith('.gz') and rng.random() < 0.5:
    # Behind the checksum.
    inner = odd_bytes.damaged(gzip.decompress(content), rng)
    content = gzip.compress(inner, 1)
  else:
    content = odd_bytes.damaged(content, rng)
  path.write_bytes(content)
  return _outcome(lambda: read(path), DataFileError)


def user_arrays(rng, folder):
  """A damaged NumPy file that an attack names."""
  path = folder / 'pattern.npz'
  np.savez(path, pattern=np.ones((3, 3)), mask=np.eye(3))
  path.write_bytes(odd_bytes.damaged(path.read_bytes(), rng))
  if rng.random() < 0.5:
    read = lambda: trigger_file.read_entries(str(path), (0, 0))
  else:
    read = lambda: numpy_file.read_arrays('edge_case', str(path))
  return _outcome(read, ValueError)


def checkpoints(rng, folder):
  """Two checkpoints, the newer one damaged: one of both is what comes back."""
  older = checkpoint.save(folder, 6, saved_state.some_state())
  newer = checkpoint.save(folder, 7, saved_state.some_state(1))
  newer.write_bytes(odd_bytes.damaged(newer.read_bytes(), rng))
  try:
    number, state = checkpoint.restore(folder, saved_state.some_state())
    saved_state.assert_same(state, saved_state.some_state(number - 6))
  finally:
    older.unlink(missing_ok=True)
    newer.unlink(missing_ok=True)
  return ACCEPTED if number == 7 else REFUSED


def metrics(rng, folder):
  """Rows of metrics, damaged."""
  path = folder / 'metrics.jsonl'
  rows = [{'round': n, 'test/accuracy': n / 7} for n in range(1, 5)]
  text = ''.join(json.dumps(row) + '\n' for row in rows).encode()
  path.write_bytes(odd_bytes.damaged(text, rng))
  return _outcome(lambda: metric_rows.read_rows(path), ValueError)


def stacks(rng, folder):
  """Any rule on any mixture of hostile rows, of any type."""
  del folder
  names = rule_cases.NAMES
  name = names[rng.integers(len(names))]
  kinds = list(hostile_updates.HOSTILE)
  rows = rule_cases.stack(int(rng.integers(2**31)))
  for _ in range(rng.integers(1, 4)):
    kind = kinds[rng.integers(len(kinds))]
    rows = hostile_updates.HOSTILE[kind](rows)
  rows = rows[rng.permutation(len(rows))]
  if rng.random() < 0.1:
    return _odd_stack(name, rows, rng)
  seed = rng.integers(2**31, size=2).astype(np.int32)
  try:
    result = _traced(name)(rows, seed).numpy()
  except tf.errors.InvalidArgumentError as error:
    assert 'needs at least' in str(error), error
    return REFUSED
  assert np.all(np.isfinite(result)), f'{name}: {result} of {rows}'
  return ACCEPTED


def _odd_stack(name, rows, rng):
  """Rows of another type or shape, as a program may hand them to a rule."""
  change = _ODD_STACKS[rng.integers(len(_ODD_STACKS))]
  with np.errstate(all='ignore'):
    odd = change(rows)
  try:
    result = np.asarray(rule_cases.build(name)(odd))
  except (ValueError, tf.errors.InvalidArgumentError) as error:
    is_said = name in str(error) or 'needs at least' in str(error)
    assert is_said, f'{name} does not say that it refuses: {error}'
    return REFUSED
  assert np.all(np.isfinite(result)), f'{name}: {result} of {odd}'
  return ACCEPTED


_ODD_STACKS = (
  lambda rows: rows.astype(np.float64),
  lambda rows: rows.astype(np.float64) * 1e300,
  lambda rows: rows.astype(np.float16),
  lambda rows: tf.cast(rows, tf.bfloat16),
  lambda rows: rows.astype(np.complex64),
  lambda rows: rows > 0,
  lambda rows: np.nan_to_num(rows).astype(np.int64),
  lambda rows: rows.astype(str),
  lambda rows: rows[:, :0],
  lambda rows: rows[0],
  lambda rows: rows[None],
  lambda rows: rows.tolist(),
  lambda rows: [rows[0], rows[1, :3]],
)


@functools.cache
def _traced(name):
  """Returns a rule as one graph, whose seed is an input."""
  rule = rule_cases.build(name)
  shape = rule_cases.NUM_CLIENTS, rule_cases.DIMENSION

  def apply(rows, seed):
    state, weights = rule.initialize(shape[1]), tf.ones(shape[:1])
    return rule.next(state, rows, weights, ServerContext(seed=seed))[1]

  return tf.function(
    apply,
    autograph=False,
    input_signature=[
      tf.TensorSpec(shape, tf.float32),
      tf.TensorSpec([2], tf.int32),
    ],
  )


SUBJECTS = {
  subject.__name__: subject
  for subject in (
    configuration,
    components,
    conversion,
    data_file,
    user_arrays,
    checkpoints,
    metrics,
    stacks,
  )
}


def _outcome(read, refusal):
  try:
    read()
  except refusal as error:
    assert str(error).strip(), 'a refusal that says nothing'
    return REFUSED
  return ACCEPTED
