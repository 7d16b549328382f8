"""A user's mistake is one line; a fault of flsec keeps its traceback."""

import errno

import numpy as np
import pytest

from flsec import registry
from flsec.commands.command import UsageError
from flsec.config.errors import ConfigError
from flsec.data import Dataset
from flsec.data.errors import DataFileError
from flsec.experiment import explain


def raised(function, *arguments):
  """Returns the error that a call raises, with where it came from."""
  try:
    function(*arguments)
  except Exception as error:
    return error
  raise AssertionError('Nothing was raised.')


@pytest.fixture
def plugin(tmp_path, monkeypatch):
  """`plugin(source)` adds a plug-in and returns its file's path."""
  monkeypatch.setattr(registry, '_plugins', [])

  def put(source):
    path = tmp_path / 'mine.py'
    path.write_text('from flsec import registry\n' + source)
    registry.add_plugin(str(path))
    return path

  return put


@pytest.mark.parametrize(
  'error', [ConfigError('a.b', 'is wrong.'), UsageError('What?')]
)
def test_misuse_speaks_for_itself(error):
  assert explain.explain(error) == str(error)


def test_errors_of_flsec_speak_for_themselves():
  def damaged():
    registry.entry('attack', 'no_such')

  assert explain.explain(raised(damaged)).startswith('Unknown attack name')


def test_the_system_names_the_file(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  found = explain.explain(raised(open, 'absent.csv'))
  assert found == (
    'absent.csv: No such file or directory; relative paths count from '
    f'{tmp_path}'
  )
  full = OSError(errno.ENOSPC, 'No space left on device', '/runs/x')
  assert explain.explain(full) == '/runs/x: No space left on device'
  assert explain.explain(OSError('no name')) == 'OSError: no name'


class TestPlugins:
  def test_their_code_is_named_however_deep_the_error_arose(self, plugin):
    plugin(
      'import numpy as np\n'
      "@registry.dataset('d')\n"
      'def d(data_dir):\n'
      '  return np.zeros(3) + np.zeros(4)\n'
    )
    error = raised(registry.entry('dataset', 'd').load(), '')
    assert explain.explain(error) == (
      'mine.py, line 5, in d: ValueError: operands could not be broadcast '
      'together with shapes (3,) (4,)'
    )

  def test_errors_that_flsec_raised_on_purpose_name_no_type(self, plugin):
    plugin(
      'from flsec.data import Dataset\n'
      "@registry.dataset('d')\n"
      'def d(data_dir):\n'
      "  return Dataset('d', [[1.0]], ['a'], [[1.0]], [0], 2)\n"
    )
    error = raised(registry.entry('dataset', 'd').load(), '')
    assert explain.explain(error).startswith(
      "mine.py, line 5, in d: Data set 'd': the training labels are text"
    )

  def test_a_file_that_cannot_be_imported_is_named_and_tried_again(
    self, plugin
  ):
    path = plugin(
      "import no_such_package\n@registry.model('m')\ndef m(): return 1\n"
    )
    error = raised(registry.entry('model', 'm').load)
    assert explain.explain(error) == (
      'mine.py, line 2, in <module>: ModuleNotFoundError: No module named '
      "'no_such_package'"
    )
    source = path.read_text().replace('import no_such_package\n', '')
    path.write_text(source)
    assert registry.entry('model', 'm').load()() == 1

  def test_code_that_tensorflow_converted_is_found_in_the_message(self, plugin):
    path = plugin("@registry.model('m')\ndef m(): return 1\n")
    error = TypeError(
      f'in user code:\n\n    File "{path}", line 12, in call  *\n'
      '        return inputs.odd\n\n    AttributeError: no attribute odd\n'
    )
    assert explain.explain(error) == (
      'mine.py, line 12, in call: TypeError: no attribute odd'
    )


def test_what_arises_deep_below_the_users_data_is_told_in_one_line(monkeypatch):
  class Odd(np.ndarray):
    pass

  def explode(*arguments):
    return {}['absent']

  monkeypatch.setattr('flsec.data.example_arrays._array', explode)
  error = raised(Dataset, 'd', [[1.0]], [0], [[1.0]], [0], 2)
  assert explain.explain(error) == (
    "KeyError: 'absent' (raised for flsec/data/example_arrays.py)"
  )


def test_an_assertion_within_a_graph_is_its_own_message():
  tf = pytest.importorskip('tensorflow')

  @tf.function
  def check(x):
    tf.debugging.assert_less(x, 2, message='Too many clients; take fewer.')
    return x

  found = explain.explain(raised(check, tf.constant(3)))
  assert found.startswith('Too many clients; take fewer.')
  assert '\n' not in found


def test_memory_that_does_not_suffice_is_said():
  tf = pytest.importorskip('tensorflow')
  for error in (
    MemoryError('Unable to allocate 80 GiB'),
    tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating\n[[x]]'),
  ):
    found = explain.explain(error)
    assert found.startswith('The memory does not suffice (')
    assert 'smaller batches' in found and '\n' not in found


def test_a_fault_of_flsec_is_not_explained():
  assert explain.explain(ValueError('raised by nobody')) is None
  assert explain.explain(raised(lambda: 1 / 0)) is None


def test_an_error_of_flsecs_own_kind_is_told_whoever_raised_it():
  error = DataFileError('a.npz', 'is cut', 'Get it again.')
  assert explain.explain(error) == 'a.npz: is cut. Get it again.'
