"""A run killed before any write and resumed is the run that was not killed."""

import pathlib
import subprocess
import sys


def test_killed_before_every_write(tmp_path):
  script = pathlib.Path(__file__).with_name('killed_run.py')
  ended = subprocess.run(
    [sys.executable, str(script), str(tmp_path)],
    capture_output=True,
    text=True,
    check=False,
  )
  assert ended.returncode == 0, ended.stderr
  # Five rounds of at least seven writes each were all died in.
  assert int(ended.stdout) > 35
