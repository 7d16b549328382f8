"""A linear model, its layout and the server's context, for tests of rules."""

import numpy as np
import tensorflow as tf
import xla_programs

from flsec.aggregators.rule import ServerContext
from flsec.models.layout import Layer, Layout, Span


class LinearModel:
  """Logits are `x @ W`, W [features, classes] being the whole vector."""

  def __init__(self, features, classes):
    self.shape = (features, classes)

  def inputs(self, x):
    return tf.cast(x, tf.float32)

  def logits(self, weights, x):
    return tf.matmul(x, tf.reshape(weights, self.shape))


def context(weights=None, **given):
  """Returns a context with a seed; `weights` as NumPy or nothing."""
  if weights is not None:
    weights = tf.constant(weights, tf.float32)
  given.setdefault('seed', tf.constant([3, 5]))
  return ServerContext(weights=weights, **given)


def validating(features=4, classes=3, examples=12, seed=0):
  """Returns (context with validation examples, x, y, weights)."""
  rng = np.random.default_rng(seed)
  x = rng.standard_normal((examples, features)).astype(np.float32)
  y = rng.integers(0, classes, examples).astype(np.int32)
  weights = rng.standard_normal(features * classes).astype(np.float32)
  model = LinearModel(features, classes)
  return context(weights, model=model, validation=(x, y)), x, y, weights


def loss_and_errors(weights, x, y, classes=3):
  """Returns the float64 mean cross-entropy and the number of wrong answers."""
  logits = x.astype(np.float64) @ np.reshape(weights, (x.shape[1], classes))
  logits -= logits.max(axis=1, keepdims=True)
  log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
  loss = -log_shares[np.arange(len(y)), y].mean()
  return loss, int((logits.argmax(axis=1) != y).sum())


def dense_layout(*shapes, has_bias=True):
  """Returns the layout of dense layers of the given kernel shapes."""
  layers, start = [], 0
  for index, shape in enumerate(shapes):
    spans = {'kernel': Span(start, shape)}
    start = spans['kernel'].stop
    if has_bias:
      spans['bias'] = Span(start, shape[-1:])
      start = spans['bias'].stop
    kind = 'dense' if len(shape) == 2 else 'conv'
    layers.append(Layer(f'layer_{index}', kind, spans, shape[-1]))
  return Layout(tuple(layers), start, layers[-1].name)


def traced(rule, given, compiled=False):
  """Returns `call(updates, weights) -> (update, measurements)`, as NumPy.

  It traces a rule once, however many stacks of one shape it gets.
  """

  def apply(updates, weights):
    state = rule.initialize(int(updates.shape[1]))
    return rule.next(state, updates, weights, given)[1:]

  function = tf.function(apply, autograph=False, jit_compile=compiled)

  def call(updates, weights=None):
    updates = tf.constant(updates, tf.float32)
    weights = tf.ones(len(updates)) if weights is None else tf.constant(weights)
    if compiled:
      assert xla_programs.is_compiled_once(apply, updates, weights)
    update, measured = function(updates, weights)
    return update.numpy(), {k: v.numpy() for k, v in measured.items()}

  return call


def run(rule, updates, given, weights=None, compiled=False):
  """Applies a rule once; returns (update, measurements) as NumPy."""
  return traced(rule, given, compiled)(updates, weights)
