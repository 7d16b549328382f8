"""What convolutional architectures check and share."""

from collections.abc import Sequence


def check_images(model: str, input_shape: Sequence[int], smallest: int) -> None:
  """Refuses inputs that are no images, or too small ones.

  Raises:
    ValueError: naming the model, the least side and what was received.
  """
  if len(input_shape) != 3 or min(input_shape[:2]) < smallest:
    raise ValueError(
      f'{model} takes images [height, width, channels] of at least '
      f'{smallest}x{smallest}; got input_shape={tuple(input_shape)}.'
    )


def check_positive(model: str, name: str, values: Sequence[int]) -> None:
  """Refuses widths, sizes or counts below 1.

  Raises:
    ValueError: naming the model, the option and what was received.
  """
  if any(value < 1 for value in values):
    raise ValueError(f'{model}: {name} must be at least 1; got {list(values)}.')
