"""Writes executables that stand for others."""

import pathlib


def write_executable(path: pathlib.Path, text: str) -> pathlib.Path:
  """Writes a script; makes the folders above it where they are missing."""
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(text)
  path.chmod(0o755)
  return path
