"""The host daemon's own time for a read, on a large simulated machine."""
