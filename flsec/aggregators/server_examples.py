"""The examples that the server holds itself, for rules that look at them."""

import tensorflow as tf

from flsec.aggregators.rule import Examples, ServerContext


def server_examples(
  rule_name: str, context: ServerContext, kind: str
) -> Examples:
  """Returns the server's root or validation examples.

  Args:
    rule_name: for the message.
    context: of the round.
    kind: 'root' or 'validation'.

  Raises:
    ValueError: there are none, or the model or the weights are missing.
  """
  examples = getattr(context, kind)
  if examples is None or examples[1].shape[0] == 0:
    found = 'no' if examples is None else 'an empty set of'
    raise ValueError(
      f'{rule_name} needs at least 1 {kind} example on the server; got '
      f'{found} {kind} examples. Give the data set a {kind} set '
      f'(dataset.{kind}), or the context its `{kind}`.'
    )
  needed = {'root': ('weights', 'train'), 'validation': ('weights', 'model')}
  for name in needed[kind]:
    if getattr(context, name) is None:
      raise ValueError(
        f'{rule_name} needs `{name}` in the server context; got None. Call the '
        'rule inside a round, or fill in the context.'
      )
  x, y = examples
  return tf.convert_to_tensor(x), tf.convert_to_tensor(y)
