"""`org.sigmavault.Host` on the system bus."""

from sigmavault.hostd.bus.serve import Served, serve

__all__ = ["Served", "serve"]
