import typing
from typing import Any, Literal, Optional, Union

import pytest

from flsec.config import annotations
from flsec.config.schema import Component


class TestParse:
  @pytest.mark.parametrize(
    'text, wanted',
    [
      ('int', int),
      ('float', float),
      ('', Any),
      ('tf.Tensor', Any),
      ('Callable[[int], int]', Any),
      ('Optional[int]', Optional[int]),
      ('typing.Optional[float]', Optional[float]),
      ('Union[int, str]', Union[int, str]),
      ('int | None', Optional[int]),
      ("'int'", int),
      ("Literal['a', 'b']", Literal['a', 'b']),
      ('Sequence[str]', tuple[str, ...]),
      ('list[int]', tuple[int, ...]),
      ('tuple[float, float]', tuple[float, float]),
      ('tuple[int, ...]', tuple[int, ...]),
      ('tuple', tuple[Any, ...]),
      ('Mapping[str, int]', dict[str, Any]),
      ('Optional[Sequence[int]]', Optional[tuple[int, ...]]),
    ],
  )
  def test_text_means_type(self, text, wanted):
    assert annotations.parse(text) == wanted

  @pytest.mark.parametrize(
    'text, kind',
    [
      ('Rule', 'aggregator'),
      ('rule.Rule', 'aggregator'),
      ('Attack', 'attack'),
      ('Pruner', 'pruner'),
      ('int', None),
    ],
  )
  def test_component_of_a_kind(self, text, kind):
    assert annotations.nested_kind(annotations.parse(text)) == kind

  @pytest.mark.parametrize(
    'text, kind',
    [
      ('Optional[Rule]', 'aggregator'),
      ('Sequence[Attack]', 'attack'),
      ('Union[str, Rule]', 'aggregator'),
      ('Sequence[int]', None),
    ],
  )
  def test_component_within(self, text, kind):
    assert annotations.held_kind(annotations.parse(text)) == kind


class TestDescribe:
  @pytest.mark.parametrize(
    'wanted, words',
    [
      (int, 'an integer'),
      (bool, 'true or false'),
      (Optional[float], 'a number or null'),
      (Literal['a', 'b'], 'one of a, b'),
      (tuple[int, ...], 'a list (an integer each)'),
      (tuple[Any, ...], 'a list'),
      (tuple[float, float], 'a list of 2'),
      (dict[str, Any], 'a mapping'),
      (Component, 'a name, or a mapping such as {name: ..., option: ...}'),
    ],
  )
  def test_words(self, wanted, words):
    assert annotations.describe(wanted) == words

  def test_nested_component(self):
    words = annotations.describe(annotations.parse('Rule'))
    assert words == 'an aggregator name, or a mapping with its options'


def test_union_written_either_way():
  assert annotations.is_union(Optional[int])
  assert not annotations.is_union(int)
  assert typing.get_origin(annotations.parse('int | str')) is Union
