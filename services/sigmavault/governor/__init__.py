"""The governor: file serving first."""
