"""Tests of the programs that are exported for a round."""

import numpy as np
import tensorflow as tf

from flsec.runtime import export


def test_what_a_program_captures_is_among_its_arguments(tmp_path):
  table = tf.random.stateless_normal([50, 3], [1, 2])
  files = export.export_program(
    tmp_path, 'look_up', lambda i: tf.gather(table, i), [tf.constant(7)]
  )
  assert 'f32[50,3]{1,0} parameter(1)' in files[0].read_text()
  with np.load(files[2]) as arrays:
    np.testing.assert_array_equal(arrays['argument_1'], table)
    np.testing.assert_array_equal(arrays['result_0'], table[7])


def test_program_arguments_and_results(tmp_path):
  files = export.export_program(
    tmp_path / 'new',
    'square',
    lambda x, y: {'sum': x * x + y},
    [tf.constant([1.0, 2.0]), tf.constant(3.0)],
  )
  assert [path.name for path in files] == [
    'square.hlo.txt',
    'square.hlo.pb',
    'square.npz',
  ]
  text = files[0].read_text()
  assert text.startswith('HloModule') and 'f32[2]' in text
  assert files[1].stat().st_size > 100
  with np.load(files[2]) as arrays:
    np.testing.assert_array_equal(arrays['argument_0'], [1.0, 2.0])
    np.testing.assert_array_equal(arrays['argument_1'], 3.0)
    np.testing.assert_array_equal(arrays['result_0'], [4.0, 7.0])
