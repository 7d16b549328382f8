"""Which layers are pruned, and how many of their units."""

import dataclasses

import flap_reference as reference
import pytest

from flsec.models.layout import Layout
from flsec.pruning import targets


@pytest.mark.parametrize(
  ('fraction', 'units', 'expected'),
  [
    (0.01, 700, 7),  # 0.01 * 700 is 7.000000000000001 in binary.
    (0.01, 500, 5),
    (0.01, 150, 2),
    (0.01, 256, 3),
    (0.01, 6, 1),
    (0.5, 5, 3),
    (1.0, 5, 5),
    (1e-9, 5, 1),
    (1, 5, 5),
  ],
)
def test_unit_count(fraction, units, expected):
  assert targets.unit_count(fraction, units) == expected


def change(layout, name, **changes):
  """Returns the layout with one layer changed."""
  layers = tuple(
    dataclasses.replace(layer, **changes) if layer.name == name else layer
    for layer in layout.layers
  )
  return Layout(layers, layout.size, layout.output)


class TestFilterGroups:
  def names(self, layout, residual):
    groups = targets.filter_groups(layout, residual)
    return [tuple(layer.name for layer in group) for group in groups]

  @pytest.mark.parametrize('residual', targets.RESIDUALS)
  def test_plain_convs_go_alone(self, residual):
    layout = reference.convolutional()
    assert self.names(layout, residual) == [('conv_0',), ('conv_1',)]

  def test_residual_choices(self):
    layout = reference.residual()
    assert self.names(layout, 'inner') == [('inner',)]
    assert self.names(layout, 'tied') == [('stem', 'second'), ('inner',)]
    assert self.names(layout, 'skip') == []

  def test_a_conv_that_makes_the_logits_is_left(self):
    layout = change(reference.convolutional(), 'conv_1', consumers=())
    assert self.names(layout, 'inner') == [('conv_0',)]

  def test_a_group_with_a_dense_layer_is_left(self):
    tied = {'tied': ('stem', 'second', 'dense')}
    layout = change(reference.residual(), 'stem', **tied)
    layout = change(layout, 'second', **tied)
    assert self.names(layout, 'tied') == [('inner',)]


class TestPairedLayers:
  def names(self, layout):
    return [layer.name for layer in targets.paired_layers(layout)]

  def test_hidden_dense_layers_but_not_the_output(self):
    layout = reference.perceptron([4, 5, 6, 3])
    assert self.names(layout) == ['dense_0', 'dense_1']
    assert self.names(reference.convolutional()) == ['dense_0']

  @pytest.mark.parametrize(
    'changes',
    [
      {'consumers': ('dense_1', 'dense_2')},
      {'positions': 3},
      {'tied': ('dense_0', 'dense_1')},
      {'units': 1},
    ],
  )
  def test_what_cannot_be_paired_is_left(self, changes):
    layout = change(reference.perceptron([4, 5, 6, 3]), 'dense_0', **changes)
    assert self.names(layout) == ['dense_1']


class TestDownstream:
  def test_chain_to_the_output(self):
    layout = reference.perceptron([4, 5, 6, 3])
    chain = targets.downstream(layout, layout['dense_0'])
    assert [layer.name for layer in chain] == ['dense_1', 'dense_2']

  def test_branch_is_refused(self):
    layout = reference.perceptron([4, 5, 6, 6, 3])
    layout = change(layout, 'dense_1', consumers=('dense_2', 'dense_3'))
    with pytest.raises(ValueError, match=r"'dense_1'.*criterion: 'saliency'"):
      targets.downstream(layout, layout['dense_0'])

  def test_conv_is_refused(self):
    layout = change(reference.perceptron([4, 5, 6, 3]), 'dense_1', kind='conv')
    with pytest.raises(ValueError, match="'dense_1' is of kind 'conv'"):
      targets.downstream(layout, layout['dense_0'])
