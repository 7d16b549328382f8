"""Heat maps of classes show what was recorded."""

import numpy as np

from flsec.reporting import class_plots


def _line(axes, label):
  (line,) = [one for one in axes.get_lines() if one.get_label() == label]
  return line.get_xdata(), line.get_ydata()


def test_classes(cell):
  axes = class_plots.draw_classes(cell).axes[0]
  values = axes.collections[0].get_array().reshape(10, 30)
  assert values[1, 29] == cell.rows[29]['test/accuracy_class_1']


def test_labels(cell):
  axes = class_plots.draw_labels(cell).axes[0]
  values = axes.collections[0].get_array().reshape(10, 20)
  np.testing.assert_array_equal(values, cell.labels.counts.T)
  assert list(_line(axes, 'malicious')[0]) == [0, 1, 2, 3]
