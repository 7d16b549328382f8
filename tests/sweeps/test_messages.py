"""What a cell's process tells arrives whole."""

import pickle

import pytest

from flsec.config.errors import ConfigError
from flsec.sweeps import messages


def test_a_sender_tells_what_progress_shows():
  told = []

  class Connection:
    send = staticmethod(told.append)

  sender = messages.Sender(Connection, lambda: 100)
  sender.assembled(20, '/CPU:0')
  sender.begin(5, 2, 'quickstart')
  sender.update(3, {'round': 3, 'test/accuracy': 0.5, 'test/loss': 2.0})
  sender.close()
  assert told == [
    messages.Assembled(120, '/CPU:0'),
    messages.Begun(5, 2),
    messages.Round(3, {'test/accuracy': 0.5}),
  ]


@pytest.mark.parametrize(
  'message',
  [
    messages.Assembled(1, '/GPU:0'),
    messages.Round(1, {'test/accuracy': 0.5}),
    messages.Refused('attack', 'is none.'),
    messages.Ended('too bad', True),
  ],
)
def test_messages_go_from_process_to_process(message):
  assert pickle.loads(pickle.dumps(message)) == message


def test_a_refusal_is_raised_as_the_error_it_was():
  error = messages.Refused('attack.scale', 'is none.').error('seed=1')
  assert isinstance(error, ConfigError)
  assert str(error) == 'seed=1: attack.scale: is none.'
