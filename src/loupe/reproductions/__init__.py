"""Published results again: the claims, the studies behind them, and a verdict on every number."""
