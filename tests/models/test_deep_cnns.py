"""VGG, AlexNet, All-CNN and the small networks of fl-analysis."""

import pytest

from flsec import models
from flsec.models import layout_builder


def layout(name, input_shape=(32, 32, 3), **options):
  keras_model = models.build(
    name, input_shape=input_shape, num_classes=10, **options
  )
  return layout_builder.build_layout(keras_model)


@pytest.mark.parametrize(('depth', 'convs'), [(11, 8), (13, 10)])
def test_vgg_is_as_deep_as_its_name(depth, convs):
  found = layout('vgg', depth=depth, normalization='none', hidden=[8])
  assert len(found.of_kind('conv')) == convs
  # Five poolings leave one position of 32x32 images.
  assert found['stage5_conv2'].units == 512
  assert found['dense1'].kernel.shape == (512, 8)


def test_vgg_drops_before_the_logits_where_asked():
  for dropout, expected in ((0.5, True), (0.0, False)):
    keras_model = models.build(
      'vgg',
      input_shape=(32, 32, 3),
      num_classes=10,
      depth=11,
      hidden=[4],
      normalization='none',
      dropout=dropout,
    )
    names = [layer.name for layer in keras_model.layers]
    assert ('dropout' in names) is expected


def test_alexnet_reads_images_of_twice_the_size():
  found = layout('alexnet', normalization='none')
  assert found['conv1'].kernel.shape == (11, 11, 3, 128)
  assert found['dense1'].kernel.shape == (256, 1024)
  assert found['conv5'].positions == 1
  assert layout('alexnet')['conv3'].norms == ('norm3',)


def test_allcnn_has_no_pooling_but_the_global_one():
  keras_model = models.build('allcnn', input_shape=(32, 32, 3), num_classes=10)
  kinds = [type(layer).__name__ for layer in keras_model.layers]
  assert [kind for kind in kinds if 'Pool' in kind] == [
    'GlobalAveragePooling2D'
  ]
  found = layout_builder.build_layout(keras_model)
  assert found['conv9'].units == 10
  assert found['logits'].kernel.shape == (10, 10)
  assert len(layout('allcnn', normalization='group').of_kind('norm')) == 8


@pytest.mark.parametrize(
  ('name', 'flat', 'hidden'),
  [
    ('dev', 12 * 12 * 4, 32),
    ('mnist_cnn', 7 * 7 * 32, 64),
    ('bhagoji', 20 * 20 * 64, 128),
  ],
)
def test_small_networks_of_fl_analysis(name, flat, hidden):
  found = layout(name, (28, 28, 1))
  assert found['dense1'].kernel.shape == (flat, hidden)
  assert len(found.of_kind('conv')) == 2


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('vgg', {'depth': 19}, r'depth is one of \[11, 13, 16\]; got 19'),
    ('vgg', {'dropout': 1.5}, r'\[0, 1\); got 1.5'),
    ('vgg', {'hidden': [0]}, 'hidden must be at least 1'),
    ('vgg', {'input_shape': (28, 28, 1)}, 'at least 32x32'),
    ('vgg', {'normalization': 'x'}, "vgg: .* got 'x'"),
    ('alexnet', {'input_shape': (28, 28, 1)}, 'at least 32x32'),
    ('alexnet', {'normalization': 'x'}, "alexnet: .* got 'x'"),
    ('allcnn', {'input_shape': (3, 3, 1)}, 'at least 4x4'),
    ('allcnn', {'normalization': 'x'}, "allcnn: .* got 'x'"),
    ('mnist_cnn', {'hidden': 0}, 'hidden must be at least 1'),
    ('bhagoji', {'input_shape': (8, 8, 1)}, 'too small'),
    ('dev', {'input_shape': (64,)}, 'takes images'),
  ],
)
def test_refusals(name, options, message):
  with pytest.raises(ValueError, match=message):
    layout(name, **options)
