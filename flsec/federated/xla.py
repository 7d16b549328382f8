"""Parts of a graph that XLA compiles on their own."""

import dataclasses
from typing import Any, Callable

import tensorflow as tf

from flsec.aggregators.rule import Measurements, Rule, ServerContext, State


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
  """Wraps a function of tensors so that XLA compiles it within any graph.

  Args:
    function: of tensors, and of anything else that holds tensors; they are
      captured, so they need no signature.
  """

  def call(*args: Any) -> Any:
    body = tf.function(
      lambda: function(*args), jit_compile=True, autograph=False
    )
    return body()

  return call


def compiled_rule(rule: Rule) -> Rule:
  """Wraps a rule so that XLA compiles it where the number of rows is known.

  Where screening has dropped rows it is not: XLA would compile a program for
  each number of rows that are left, and not every rule can be compiled so. Then
  the rule is run operation by operation.
  """
  compiled_next = compiled(rule.next)

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    is_known = updates.shape[0] is not None
    apply = compiled_next if is_known else rule.next
    return apply(state, updates, weights, context)

  return dataclasses.replace(rule, next=next_state)
