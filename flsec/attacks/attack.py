"""What an attack is: a frozen record of pure TensorFlow functions.

An attack fills in the hooks that it needs; the round calls them on malicious
clients only, in the rounds in which the attack is active. The round, not the
attack, decides what `craft` sees (`knowledge`).
"""

import dataclasses
from typing import Any, Callable, Optional

import tensorflow as tf

State = Any
KNOWLEDGE = ('none', 'partial', 'full')
SPACES = ('gradient', 'update')


@dataclasses.dataclass(frozen=True)
class AttackContext:
  """What the attacker knows in a round.

  Attributes:
    weights: float32 [d], the global weights that were broadcast.
    previous_update: float32 [d], the last round's aggregated update (zeros in
      the first round), which every client can work out; in `craft` negated
      where the attack's space is 'gradient'.
    round_number: int32 scalar, 1 in the first round.
    seed: int32 [2], a stateless seed of this round (in a client hook: of this
      client and round; in `poison`: of this batch).
    state: the attack's state, as its `initialize` made it.
    num_clients: clients that take part in the round, n (int32 scalar).
    num_byzantine: malicious ones among them, f (int32 scalar).
    client_rank: in a client hook, which of the malicious clients this one is
      (int32 scalar, from 0, the same in every round); None in `craft`.
    num_examples: in `poison`, how many rows of the batch are real (int32
      scalar); None: all.
    attack_labels: in `poison` of an attack with `relabel`, the labels int32 [b]
      that it gave to the examples of this batch.
    removed: bool [d], what a defence has removed for good; None: nothing.
    layout: `flsec.models.layout.Layout` of the weight vector.
    model: `flsec.models.flat.FlatModel`.
  """

  weights: tf.Tensor
  previous_update: Optional[tf.Tensor] = None
  round_number: Optional[tf.Tensor] = None
  seed: Optional[tf.Tensor] = None
  state: State = ()
  num_clients: Optional[tf.Tensor] = None
  num_byzantine: Optional[tf.Tensor] = None
  client_rank: Optional[tf.Tensor] = None
  num_examples: Optional[tf.Tensor] = None
  attack_labels: Optional[tf.Tensor] = None
  removed: Optional[tf.Tensor] = None
  layout: Any = None
  model: Any = None


# (x float32 [b, ...] in model input units, y int32 [b], context) -> (x, y) of
#   the same shapes. Rows that only fill up a short batch come last, so that
#   what happens to the real rows does not depend on them.
Poison = Callable[
  [tf.Tensor, tf.Tensor, AttackContext], tuple[tf.Tensor, tf.Tensor]
]
# (gradient [d], weights [d], context) -> gradient [d], before the optimiser.
GradientHook = Callable[[tf.Tensor, tf.Tensor, AttackContext], tf.Tensor]
# (weights [d], context) -> weights [d], after each optimiser step.
Projection = Callable[[tf.Tensor, AttackContext], tf.Tensor]
# (update [d], context) -> update [d], after local training.
UpdateHook = Callable[[tf.Tensor, AttackContext], tf.Tensor]
# (train, context) -> update [d]; replaces local training. `train(poison=None,
#   gradient=None, project=None, start=None, goes_on=False)` runs one local
#   training from `start` (default: context.weights); it returns `w_end -
#   start`. The optimiser's moments are those of the round's beginning; or,
#   where it `goes_on`, those that the training before it in this round ended
#   with. The client keeps the moments of the first and of what goes on from it.
Training = Callable[[Callable[..., tf.Tensor], AttackContext], tf.Tensor]
# (own float32 [c, d], benign float32 [m, d], context) -> [c, d], all in the
#   attack's space. `benign` has m = 0 rows unless knowledge is full.
Craft = Callable[[tf.Tensor, tf.Tensor, AttackContext], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Observed:
  """What a malicious client has before it that reports to a defence.

  Attributes:
    kind: of report: 'ranks' or 'bits', of a layer's channels (int32 [C]), or
      'accuracies', of candidate weights, from those as they are to the most
      changed ones (float32 [points]).
    clean: float32 [C], the channels' mean activations on its own examples; None
      where accuracies are reported.
    triggered: float32 [C], those on its own examples that are victims, as the
      attack shows them to the model; `clean` where it has none.
    honest_report: activations [C] -> the report that they make.
  """

  kind: str
  clean: Optional[tf.Tensor] = None
  triggered: Optional[tf.Tensor] = None
  honest_report: Optional[Callable[[tf.Tensor], tf.Tensor]] = None


# (honest report, observed, context) -> report, of the same shape and dtype.
Report = Callable[[tf.Tensor, Observed, AttackContext], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Victims:
  """Test examples on which an attack's success is measured.

  Attributes:
    x: float32 [s, ...], in model input units, with any trigger applied.
    y: int32 [s], the label the attacker wants.
    mask: bool [s], which examples count (target-class images do not).
    are_test_examples: whether row i is made of test example i, so that what the
      model says of this one, clean, is the control of what it says of x_i.
  """

  x: tf.Tensor
  y: tf.Tensor
  mask: tf.Tensor
  are_test_examples: bool = True


@dataclasses.dataclass(frozen=True)
class Attack:
  """An attack on a federation.

  Attributes:
    name: the registered name.
    poison: changes each batch of a malicious client's training.
    gradient, project, update: hooks in a malicious client's training.
    train: replaces a malicious client's whole local training.
    craft: rewrites the malicious rows after all clients have trained.
    report: what a malicious client tells a defence that asks clients; None: the
      truth.
    default_knowledge: what `craft` is given unless the configuration says
      otherwise: 'none' (each attacker its own row; one call a row), 'partial'
      (the malicious clients' rows, honestly computed) or 'full' (also the
      benign rows).
    initialize: `(model, layout, weights [d], x, y, seed) -> state`, run once
      before round 1 on the malicious clients' own examples; None: no state.
    relabel: `(labels int32 [M] of all clients' examples, seed int [2]) ->
      labels [M]`, run once before round 1: labels that an example keeps for the
      whole run. `poison` finds those of its batch in the context.
    victims: `(x float32 [s, ...], y int32 [s]) -> Victims` from test examples;
      None for an untargeted attack.
    minimum_known_rows: the fewest rows that `craft` must know (benign ones
      under full knowledge, else the malicious clients' own) to be an attack:
      with fewer it sends what the docstring states, often an honest update.
    source_labels: the only classes whose examples `poison` changes; empty where
      it may change any.
    idle: `(num_clients, num_byzantine) of a round -> why the attack changes
      nothing with these numbers and its options`, or None where it does change
      something; None: it always does.
    space: what the rows that `craft` sees and returns are. 'gradient': what the
      server subtracts, as papers on poisoned updates have it; 'update': what it
      adds, `w_client - w_global`. The round's rows are updates, so for
      'gradient' it sends `-craft(-own, -benign)`. Only a craft that is no odd
      function of its rows (one that adds a positive vector such as a standard
      deviation) tells the two apart: it moves the weights the other way.
  """

  name: str
  poison: Optional[Poison] = None
  gradient: Optional[GradientHook] = None
  project: Optional[Projection] = None
  update: Optional[UpdateHook] = None
  train: Optional[Training] = None
  craft: Optional[Craft] = None
  report: Optional[Report] = None
  default_knowledge: str = 'none'
  initialize: Optional[Callable[..., State]] = None
  relabel: Optional[Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = None
  victims: Optional[Callable[[tf.Tensor, tf.Tensor], Victims]] = None
  minimum_known_rows: int = 1
  source_labels: tuple[int, ...] = ()
  idle: Optional[Callable[[int, int], Optional[str]]] = None
  space: str = 'gradient'
