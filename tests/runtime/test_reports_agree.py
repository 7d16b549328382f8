"""All three contexts give the same reports of clients."""

import conv_federation as conv
import numpy as np
import remote_cases
import tensorflow as tf
import tiny_federation as tiny

from flsec import attacks
from flsec.defenses.phase import Question
from flsec.federated import reports, state
from flsec.runtime.in_process import InProcess
from flsec.runtime.tff_local import TffLocal
from flsec.runtime.tff_remote import TffRemote

_SIZES = [6, 5, 9, 3, 8]
_MALICIOUS = [False, True, False, False, True]


def test_reports_are_the_same_everywhere():
  lie = attacks.build('false_reports', report='reversed')
  plan = tiny.plan(
    len(_SIZES),
    model=conv.model(),
    attack=tiny.attack_plan(lie, _MALICIOUS),
  )
  clients = conv.structs(conv.federation(_SIZES), _MALICIOUS)
  asked = reports.asked_state(state.initial_state(plan))
  built = reports.build_reports(plan, Question('ranks'))
  outputs = []
  with remote_cases.workers(2) as workers:
    targets = [one.target for one in workers]
    for make in (
      lambda: InProcess(built, num_threads=2),
      lambda: TffLocal(built),
      lambda: TffRemote(built, workers=targets),
    ):
      with make() as runtime:
        output = runtime.next(asked, clients)[1]
      outputs.append(tf.nest.map_structure(np.asarray, output))
  assert outputs[0]['valid'] == 5
  assert len(set(outputs[0]['sums'])) > 1  # To agree on nothing would be easy.
  for output in outputs[1:]:
    assert list(output) == list(outputs[0])
    for name, value in outputs[0].items():
      np.testing.assert_array_equal(output[name], value, name)
