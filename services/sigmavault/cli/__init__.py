"""The `sigmavault` command."""
