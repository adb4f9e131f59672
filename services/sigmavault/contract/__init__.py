"""Names and types that cross a bus: what both the daemon and its clients import."""
