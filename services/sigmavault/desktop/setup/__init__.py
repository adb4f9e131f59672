"""The desktop's assistant for setting a machine up: pages over `sigmavault.core.setup`."""
