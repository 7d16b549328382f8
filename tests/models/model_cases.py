"""The registered models: on which inputs, with which weights."""

import numpy as np

from flsec import models, registry

MNIST, CIFAR = (28, 28, 1), (32, 32, 3)
BATCH = {'normalization': 'batch'}
# (name, input shape, options, weights of the vector as the papers count them).
COUNTS = [
  ('mlp', MNIST, {}, 469_160),
  ('mlp', (784,), {'hidden': [512], 'dropout': 0.2}, 407_050),
  ('mlp', (446,), {'hidden': [512]}, 446 * 512 + 512 + 512 * 10 + 10),
  ('lenet5', MNIST, {}, 44_426),
  ('lenet5', MNIST, {'padding': 'same'}, 61_706),
  ('lenet5', CIFAR, {}, 62_006),
  ('cnn', MNIST, {}, 431_080),
  ('cnn_3conv', MNIST, {}, 98_442),
  ('cnn_4conv', CIFAR, {}, 2_230_186),
  ('dev', MNIST, {}, 19_166),
  ('mnist_cnn', MNIST, {}, 109_610),
  ('mnist_cnn', MNIST, {'hidden': 256}, 412_778),
  ('bhagoji', MNIST, {}, 3_382_346),
  ('allcnn', CIFAR, {}, 1_369_848),
  ('resnet20', CIFAR, {}, 272_474),
  ('resnet20', CIFAR, BATCH, 274_063 - 21),
  ('resnet14_wide', CIFAR, {}, 696_618),
  ('resnet20_dense', CIFAR, BATCH, 373_770),
  ('resnet20_dense', MNIST, BATCH, 324_330),
  (
    'resnet20_dense',
    CIFAR,
    {**BATCH, 'hidden': [], 'pool_size': 8},
    274_442,
  ),
  ('alexnet', CIFAR, BATCH, 2_915_338),
]
LARGE_COUNTS = [
  ('resnet18', CIFAR, {}, 11_173_962),
  ('vgg', CIFAR, {}, 14_922_826),
  ('vgg', CIFAR, BATCH, 14_931_274),
  (
    'resnet20_dense',
    CIFAR,
    {**BATCH, 'hidden': [], 'pool_size': 8, 'depth': 110},
    1_742_762,
  ),
]
# Of each model the smallest form that still has all its kinds of layers.
SMALL = {
  'mlp': ((6, 6, 1), {'hidden': [7, 6]}),
  'lenet5': ((16, 16, 1), {}),
  'cnn': (
    (12, 12, 1),
    {'filters': [3, 5], 'kernel_size': 3, 'hidden': [6], **BATCH},
  ),
  'cnn_3conv': ((8, 8, 1), {}),
  'cnn_4conv': ((4, 4, 3), {'normalization': 'group'}),
  'dev': ((8, 8, 1), {}),
  'mnist_cnn': ((4, 4, 1), {'hidden': 8}),
  'bhagoji': ((9, 9, 1), {}),
  'allcnn': ((4, 4, 3), {}),
  'resnet20': ((8, 8, 3), {'depth': 8, 'width': 8, **BATCH}),
  'resnet14_wide': ((8, 8, 3), {}),
  'resnet20_dense': (
    (8, 8, 1),
    {'depth': 8, 'hidden': [9, 8], 'pool_size': 2, **BATCH},
  ),
  'resnet18': ((16, 16, 3), {}),
  'vgg': ((32, 32, 3), {'depth': 11, 'hidden': [8, 8]}),
  'alexnet': ((32, 32, 3), {}),
}
LARGE = ('resnet18', 'vgg', 'alexnet', 'bhagoji', 'allcnn', 'cnn_4conv')
NUM_CLASSES = 4
NAMES = list(registry.entries('model'))


def small(name):
  """Builds the small form of a model, for `NUM_CLASSES` classes."""
  input_shape, options = SMALL[name]
  return models.build(
    name, input_shape=input_shape, num_classes=NUM_CLASSES, **options
  )


def random_weights(model, seed=0):
  """Initial weights, moved so that no bias, scale or mean is 0 or 1."""
  weights = model.initial_weights(seed)
  generator = np.random.default_rng(seed)
  weights = weights + generator.uniform(0.01, 0.1, size=weights.shape)
  return weights.astype(np.float32)
