"""Disks: which there are, how they are doing, what is on them, and making them blank."""
