"""The audit: who did what, and whether the log is whole."""
