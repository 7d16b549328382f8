"""Settings reach TensorBoard's HParams, which compares runs by them."""

from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.plugins.hparams import metadata

from flsec.experiment.hyperparameters import hyperparameters
from flsec.experiment.metric_writer import MetricWriter
from flsec.loggers.tensorboard import TensorBoard

_CONFIG = {
  'name': 'sweep',
  'seed': 3,
  'runtime': {'threads': 2},
  'server': {
    'aggregator': {'name': 'krum', 'num_byzantine': 4},
    'preaggregators': [{'name': 'arc', 'num_byzantine': 4}],
    'learning_rate': 0.5,
  },
  'attack': None,
  'clients': {'decay_rounds': (2, 3), 'persistent': False},
}


def test_leaves_by_their_paths():
  assert hyperparameters(_CONFIG) == {
    'seed': 3,
    'server.aggregator': 'krum',
    'server.aggregator.num_byzantine': 4,
    'server.preaggregators.0': 'arc',
    'server.preaggregators.0.num_byzantine': 4,
    'server.learning_rate': 0.5,
    'attack': 'none',
    'clients.decay_rounds': '2, 3',
    'clients.persistent': False,
  }


def test_tensorboard_finds_them(tmp_path):
  cell = tmp_path / 'aggregator=krum,seed=3'
  cell.mkdir()
  with MetricWriter(cell, logger=TensorBoard(), config=_CONFIG) as writer:
    writer.write_row(1, {'test/accuracy': 0.5})
  reader = plugin_event_accumulator.EventAccumulator(str(cell))
  reader.Reload()
  found = reader.SummaryMetadata(metadata.SESSION_START_INFO_TAG)
  info = metadata.parse_session_start_info_plugin_data(
    found.plugin_data.content
  )
  assert info.group_name == 'aggregator=krum,seed=3'
  assert info.hparams['server.aggregator'].string_value == 'krum'
  assert info.hparams['seed'].number_value == 3
  assert info.hparams['clients.persistent'].bool_value is False
