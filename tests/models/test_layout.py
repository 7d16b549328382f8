"""What a layout tells beside its fields."""

import pytest

from flsec.models.layout import Layer, Layout, Span

NORM = {
  'gamma': Span(34, (4,)),
  'beta': Span(38, (4,)),
  'moving_mean': Span(42, (4,)),
  'moving_variance': Span(46, (4,)),
}
LAYOUT = Layout(
  (
    Layer('conv', 'conv', {'kernel': Span(0, (2, 2, 2, 4))}, 4),
    Layer('norm', 'norm', NORM, 4),
    Layer(
      'out', 'dense', {'kernel': Span(50, (4, 3)), 'bias': Span(62, (3,))}, 3
    ),
  ),
  65,
  'out',
)


@pytest.mark.parametrize(
  ('shape', 'size'), [((2, 3, 4), 24), ((5,), 5), ((), 1), ((7, 0), 0)]
)
def test_a_span_ends_where_its_tensor_does(shape, size):
  span = Span(10, shape)
  assert (span.size, span.stop) == (size, 10 + size)


def test_layers_are_found_by_name():
  assert LAYOUT['norm'].kind == 'norm'
  with pytest.raises(KeyError, match=r"'nrom'; layers: \['conv', 'norm'"):
    LAYOUT['nrom']


def test_layers_are_found_by_kind_in_order():
  assert [x.name for x in LAYOUT.of_kind('dense', 'conv')] == ['conv', 'out']
  assert LAYOUT.of_kind('lstm') == ()


def test_kernel_and_bias():
  assert LAYOUT['conv'].kernel == Span(0, (2, 2, 2, 4))
  assert LAYOUT['conv'].bias is None
  assert LAYOUT['out'].bias == Span(62, (3,))


def test_statistics_are_tracked_weights_only():
  assert LAYOUT.statistics == (Span(42, (4,)), Span(46, (4,)))
  assert Layout(LAYOUT.layers[2:], 65, 'out').statistics == ()
