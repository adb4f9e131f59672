"""`org.sigmavault.Ryzan` on the system bus."""

from sigmavault.ryzan.bus.object import serve

__all__ = ["serve"]
