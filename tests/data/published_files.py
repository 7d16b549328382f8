"""Writes small data sets in the formats in which the real ones are published.

Everything here follows the formats' descriptions and not the readers.
"""

import gzip
import io
import json
import sqlite3
import struct
import tarfile
from typing import Optional

import numpy as np


def random_images(count, shape, seed=0):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (count, *shape), dtype=np.uint8)


def write_npz(path, num_train=20, num_test=10):
  """Writes an .npz like Keras' mnist.npz and returns its arrays."""
  arrays = {
    'x_train': random_images(num_train, (28, 28), 1),
    'y_train': np.arange(num_train, dtype=np.uint8) % 10,
    'x_test': random_images(num_test, (28, 28), 2),
    'y_test': np.arange(num_test, dtype=np.uint8) % 10,
  }
  np.savez(path, **arrays)
  return arrays


def idx_bytes(array):
  """An IDX file of bytes, before compression."""
  header = struct.pack('>BBBB', 0, 0, 8, array.ndim)
  header += b''.join(struct.pack('>I', size) for size in array.shape)
  return header + array.astype(np.uint8).tobytes()


def write_idx_files(folder, arrays):
  """Writes MNIST's four .gz files."""
  folder.mkdir(parents=True, exist_ok=True)
  for name, key in (
    ('train-images-idx3-ubyte.gz', 'x_train'),
    ('train-labels-idx1-ubyte.gz', 'y_train'),
    ('t10k-images-idx3-ubyte.gz', 'x_test'),
    ('t10k-labels-idx1-ubyte.gz', 'y_test'),
  ):
    with gzip.open(folder / name, 'wb') as file:
      file.write(idx_bytes(arrays[key]))


def write_tgz(path, members, kinds: Optional[dict] = None):
  """Writes a .tgz of {name: bytes}; `kinds` makes links of some."""
  with tarfile.open(path, 'w:gz', compresslevel=1) as archive:
    for name, content in members.items():
      member = tarfile.TarInfo(name)
      member.size = len(content)
      if kinds and name in kinds:
        member.type, member.linkname = kinds[name], 'elsewhere'
        member.size = 0
      archive.addfile(member, io.BytesIO(content))
  return path


def lines(x):
  """Lines such as `0,1,1`, one a row, as a list."""
  text = np.full((len(x), 2 * x.shape[1]), ord(','), np.uint8)
  text[:, ::2] = x + ord('0')
  text[:, -1] = ord('\n')
  return [row.tobytes() for row in text]


def labelled_lines(x, y, quote=''):
  """Lines such as `"13",0,1,1`."""
  labels = [f'{quote}{label}{quote},'.encode() for label in y.tolist()]
  return b''.join(label + line for label, line in zip(labels, lines(x)))


def cifar_record_bytes(images, labels):
  """CIFAR's binary layout: a label, then red, green and blue planes."""
  return b''.join(
    bytes([label]) + image.transpose(2, 0, 1).tobytes()
    for image, label in zip(images, labels)
  )


def cifar_python_batch(images, labels, is_column_major=False):
  """A batch as Python 2 pickled it for cifar-10-python.tar.gz, protocol 2."""
  rows = np.stack([image.transpose(2, 0, 1).ravel() for image in images])
  data = rows.tobytes(order='F' if is_column_major else 'C')

  def text(value):
    return b'U' + bytes([len(value)]) + value

  stream = b'\x80\x02}('
  stream += text(b'batch_label') + text(b'training batch 1 of 5')
  stream += text(b'labels') + b']('
  stream += b''.join(b'K' + bytes([label]) for label in labels) + b'e'
  stream += text(b'data')
  stream += b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n'
  stream += b'K\x00\x85' + text(b'b') + b'\x87R'
  stream += b'(K\x01' + b'M' + struct.pack('<H', len(rows))
  stream += b'M' + struct.pack('<H', rows.shape[1]) + b'\x86'
  stream += b'cnumpy\ndtype\n' + text(b'u1') + b'K\x00K\x01\x87R'
  stream += b'(K\x03' + text(b'|') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff'
  stream += b'K\x00tb'
  stream += b'\x88' if is_column_major else b'\x89'
  stream += b'T' + struct.pack('<i', len(data)) + data + b'tb'
  stream += text(b'filenames') + b'](' + text(b'plane_s_000.png') + b'e'
  return stream + b'u.'


def _message(number, content):
  """A length-delimited protobuf field."""
  size, head = len(content), bytearray([number << 3 | 2])
  while size >= 128:
    head.append(size & 127 | 128)
    size >>= 7
  head.append(size)
  return bytes(head) + content


def example_proto(pixels, label, pixels_first=False):
  """A serialised tf.train.Example of float `pixels` and integer `label`."""
  floats = np.asarray(pixels, '<f4').tobytes()
  varint = bytearray()
  while label >= 128:
    varint.append(label & 127 | 128)
    label >>= 7
  varint.append(label)
  entries = [
    _message(
      1,
      _message(1, b'label')
      + _message(2, _message(3, _message(1, bytes(varint)))),
    ),
    _message(
      1, _message(1, b'pixels') + _message(2, _message(2, _message(1, floats)))
    ),
  ]
  if pixels_first:
    entries.reverse()
  return _message(1, b''.join(entries))


def write_emnist(path, splits, promised=None):
  """Writes TFF's EMNIST database.

  Args:
    path: the file.
    splits: {split: [(client, uint8 image [784], label), ...]}, in row order.
    promised: {(client, split): count} where the index shall differ.
  """
  connection = sqlite3.connect(path)
  connection.execute(
    'CREATE TABLE examples (split_name TEXT NOT NULL, client_id TEXT NOT '
    'NULL, serialized_example_proto BLOB NOT NULL)'
  )
  connection.execute(
    'CREATE TABLE client_metadata (client_id TEXT NOT NULL, split_name TEXT '
    'NOT NULL, num_examples INTEGER NOT NULL)'
  )
  counts = {}
  for split, rows in splits.items():
    for client, image, label in rows:
      blob = example_proto(np.float32(image) / np.float32(255), label)
      connection.execute(
        'INSERT INTO examples VALUES (?, ?, ?)', (split, client, blob)
      )
      counts[client, split] = counts.get((client, split), 0) + 1
  counts.update(promised or {})
  for (client, split), count in counts.items():
    connection.execute(
      'INSERT INTO client_metadata VALUES (?, ?, ?)', (client, split, count)
    )
  connection.commit()
  connection.close()


def leaf_content(users):
  """LEAF's JSON of {user: (uint8 images [n, 784], labels)}."""
  return {
    'users': list(users),
    'num_samples': [len(labels) for _, labels in users.values()],
    'user_data': {
      user: {'x': (images / 255).tolist(), 'y': list(labels)}
      for user, (images, labels) in users.items()
    },
  }


def write_leaf(path, users):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps(leaf_content(users)))
