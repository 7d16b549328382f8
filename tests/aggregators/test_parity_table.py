"""The table in docs/aggregators.md is what the rules do."""

import parity_table


def test_the_page_shows_what_is_measured():
  assert parity_table.shown() == parity_table.table(), (
    'docs/aggregators.md is stale: run python '
    'tests/aggregators/parity_table.py and look at what changed.'
  )
