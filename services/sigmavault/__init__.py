"""SigmaVault's own programs: the model service, the budget, the command line."""

__version__ = "0.1.0"
