"""The models of FLAP's reference code and of fl-analysis, as ours."""

from typing import Any

from flsec.config.tracked_mapping import TrackedMapping

_BATCH = {'normalization': 'batch'}
# Each with the data sets whose examples it takes.
_DIGITS = ('mnist', 'fmnist', 'femnist')
_COLOUR = ('cifar10',)
_MODELS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
  'dev': ({'name': 'dev'}, _DIGITS),
  'bhagoji': ({'name': 'bhagoji'}, _DIGITS),
  'mnist_cnn': ({'name': 'mnist_cnn'}, _DIGITS),
  'fc_mnist': ({'name': 'mlp', 'hidden': [500, 150]}, _DIGITS),
  'lenet5_mnist': ({'name': 'lenet5', 'padding': 'valid'}, _DIGITS),
  'lenet5_cifar': ({'name': 'lenet5', 'padding': 'valid'}, _COLOUR),
  'resnet18_mnist': ({'name': 'resnet20_dense', **_BATCH}, _DIGITS),
  'resnet20_mnist': ({'name': 'resnet20_dense', **_BATCH}, _DIGITS),
  'alexnet_cifar': ({'name': 'alexnet', **_BATCH}, _COLOUR),
  'vgg-cifar': ({'name': 'vgg', **_BATCH}, _COLOUR),
  'allcnn': ({'name': 'allcnn'}, _COLOUR),
  'test_model': (
    {
      'name': 'cnn',
      'filters': [6],
      'pool_after': [1],
      'hidden': [120],
      **_BATCH,
    },
    _COLOUR,
  ),
}
# Their "ResNet-18" is a ResNet-20.
_DEPTHS = {
  'resnet18': 20,
  'resnet20': 20,
  'resnet32': 32,
  'resnet44': 44,
  'resnet56': 56,
  'resnet110': 110,
}
for _name, _depth in _DEPTHS.items():
  _MODELS[_name] = (
    {'name': 'resnet20_dense', 'depth': _depth, **_BATCH},
    _COLOUR,
  )
# Keys that only FLAP's code knows.
_OF_FLAP = ('paoding', 'pruneconv', 'prune_frequency', 'pretrain', 'reject')
_PATH = 'client.model_name'


def is_of_flap(source: TrackedMapping) -> bool:
  """Tells FLAP's configurations from those of fl-analysis, by their keys."""
  return any(source.has(f'environment.{key}') for key in _OF_FLAP)


def model_of(source: TrackedMapping, dataset: str) -> dict[str, Any]:
  """Returns the model section.

  Args:
    source: the configuration.
    dataset: the data set's name in the reference code.
  """
  name = source.get(_PATH, str, '')
  if name not in _MODELS:
    source.refuse(
      _PATH, f'{name!r} has no counterpart; there are {", ".join(_MODELS)}'
    )
    return {'name': name}
  model, takes = _MODELS[name]
  if dataset not in takes:
    source.refuse(
      _PATH,
      f'{name!r} is built for {", ".join(takes)}; with {dataset!r} the '
      'reference code does not run',
    )
  model = dict(model)
  if name in _DEPTHS:
    _choose_head(source, model)
  elif name == 'mnist_cnn':
    model['hidden'] = 64 if is_of_flap(source) else 256
  if 'normalization' in model:
    source.note(
      _PATH,
      'moving statistics of batch normalisation move by 0.1 a batch here, by '
      '0.01 there; residual networks there add 1e-4 times the squared norm of '
      'their kernels to the loss',
    )
  return model


def _choose_head(source: TrackedMapping, model: dict[str, Any]) -> None:
  if is_of_flap(source):
    return
  # 274,442 weights; FLAP's code put two dense layers before the last one.
  model.update(hidden=[], pool_size=8)
  source.note(
    _PATH,
    "taken for fl-analysis' network; in FLAP's code (leave out hidden and "
    'pool_size) it has two more dense layers, which FLAP prunes',
  )
