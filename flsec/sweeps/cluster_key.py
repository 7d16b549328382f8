"""The one secret of a cluster: a key, and a certificate that it has signed.

Scheduler, workers and `flsec run` hold the same file. Each end of a connection
shows the certificate and proves to have its key; whoever has not is refused.
"""

import datetime
import os
import pathlib
import stat

NAME = 'flsec-cluster'
DEFAULT = 'cluster.pem'
_DAYS = 3650


class ClusterError(ValueError):
  """A cluster cannot be used; the message says the way out."""


def write(path: pathlib.Path) -> None:
  """Makes a new key and certificate, which only the owner may read.

  Args:
    path: the file, PEM.

  Raises:
    ClusterError: it is there already: others may hold it.
  """
  try:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
  except FileExistsError:
    raise ClusterError(
      f'{path} is there already, and machines may use it. Remove it, or name '
      'another file.'
    ) from None
  with os.fdopen(file, 'wb') as opened:
    opened.write(_pem())


def check(path: pathlib.Path) -> pathlib.Path:
  """Returns the file as an absolute path.

  Raises:
    ClusterError: it is missing, or others may read it.
  """
  if not path.is_file():
    raise ClusterError(
      f'tls:// needs the key of the cluster, and {path} is not there. '
      '`flsec cluster key` makes one; --cluster_key=FILE names it.'
    )
  if stat.S_IMODE(path.stat().st_mode) & 0o077:
    raise ClusterError(
      f'{path} is the key of the cluster, and others may read it, who could '
      f'run code on its machines. Call `chmod 600 {path}`.'
    )
  return path.resolve()


def _pem() -> bytes:
  """Returns a key and its certificate, as PEM."""
  from cryptography import x509
  from cryptography.hazmat.primitives import hashes, serialization
  from cryptography.hazmat.primitives.asymmetric import ec

  key = ec.generate_private_key(ec.SECP256R1())
  name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
  now = datetime.datetime.now(datetime.timezone.utc)
  certificate = (
    x509.CertificateBuilder()
    .subject_name(name)
    .issuer_name(name)
    .public_key(key.public_key())
    .serial_number(x509.random_serial_number())
    # Clocks differ.
    .not_valid_before(now - datetime.timedelta(days=1))
    .not_valid_after(now + datetime.timedelta(days=_DAYS))
    .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    .sign(key, hashes.SHA256())
  )
  return key.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
  ) + certificate.public_bytes(serialization.Encoding.PEM)
