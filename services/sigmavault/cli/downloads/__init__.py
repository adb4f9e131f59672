"""The commands of `model` that fetch models: asking the daemon, following, the bar."""
