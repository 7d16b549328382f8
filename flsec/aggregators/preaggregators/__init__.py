"""Every pre-aggregator, one file each; see `preaggregator.PreAggregator`."""
