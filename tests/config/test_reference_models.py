"""Networks of the reference code; their weights are counted by its own."""

import pytest
import reference_files

from flsec import registry
from flsec.config import reference_stack
from flsec.config.errors import ConfigError

# Name there, data set, keys of FLAP's code present, weights of its network.
_COUNTED = [
  ('dev', 'mnist', False, 19_166),
  ('bhagoji', 'fmnist', False, 3_382_346),
  ('mnist_cnn', 'mnist', False, 412_778),
  ('mnist_cnn', 'mnist', True, 109_610),
  ('fc_mnist', 'femnist', True, 469_160),
  ('lenet5_mnist', 'femnist', False, 44_426),
  ('lenet5_cifar', 'cifar10', False, 62_006),
  ('resnet18', 'cifar10', False, 274_442),
  ('resnet18', 'cifar10', True, 373_770),
  ('resnet18_mnist', 'mnist', True, 324_330),
  ('resnet56', 'cifar10', False, 861_770),
  ('alexnet_cifar', 'cifar10', True, 2_915_338),
  ('vgg-cifar', 'cifar10', True, 14_931_274),
  ('allcnn', 'cifar10', False, 1_369_848),
  ('test_model', 'cifar10', False, 142_930),
]


@pytest.mark.parametrize('name, dataset, is_of_flap, weights', _COUNTED)
def test_network_has_the_weights_of_the_reference_code(
  name, dataset, is_of_flap, weights
):
  raw = reference_files.sections()
  raw['client']['model_name'] = name
  raw['dataset']['dataset'] = dataset
  if is_of_flap:
    raw['environment']['prune_frequency'] = 0.2
  config = reference_stack.convert(raw).config
  options = dict(config['model'])
  side = (32, 32, 3) if dataset == 'cifar10' else (28, 28, 1)
  model = registry.build_supplied(
    'model',
    options.pop('name'),
    options,
    {'input_shape': side, 'num_classes': 10},
  )
  assert model.count_params() == weights


@pytest.mark.parametrize(
  'name, dataset',
  [
    ('resnet18', 'femnist'),
    ('lenet5_cifar', 'mnist'),
    ('lenet5_mnist', 'cifar10'),
  ],
)
def test_images_that_the_network_is_not_built_for(name, dataset):
  raw = reference_files.sections()
  raw['client']['model_name'] = name
  raw['dataset']['dataset'] = dataset
  with pytest.raises(ConfigError, match=f'{name}.* does not run'):
    reference_stack.convert(raw)
