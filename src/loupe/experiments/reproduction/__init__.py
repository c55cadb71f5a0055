"""Published results again: the studies behind them, and a verdict on every number."""

from loupe.experiments.reproduction.run import reproduce as reproduce
