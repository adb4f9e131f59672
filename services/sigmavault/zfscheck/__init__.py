"""The oneshot that tells on the console why ZFS is missing."""
