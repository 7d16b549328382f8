"""Every aggregation rule, one file each; `flsec list` names them."""

from typing import Any

from flsec import registry


def build(
  name: str,
  *,
  on_too_few: str = 'error',
  screened: bool = True,
  **options: Any,
) -> Any:
  """Builds a registered aggregation rule, e.g. `build('name', option=value)`.

  Args:
    name: the registered name.
    on_too_few: what a screened rule does where dropped rows leave too few for
      it: 'error', 'mean' (of what is left) or 'skip' (zero update).
    screened: whether rows with NaN or infinity are dropped before the rule.
      Dropping rows makes their number dynamic, which XLA cannot compile; build
      the rule unscreened for `jit_compile=True`.
    **options: the rule's own options.

  Returns:
    `flsec.aggregators.rule.Rule`.

  Raises:
    ValueError: unknown name or option, or a value out of its range.
  """
  from flsec.aggregators import rule, screening  # TensorFlow, so not above.

  # A rule inside another sees only rows that the outer one has screened.
  options = {
    key: (isinstance(value, rule.Rule) and value.unscreened) or value
    for key, value in options.items()
  }
  built = registry.build('aggregator', name, **options)
  return screening.screened(built, on_too_few) if screened else built
