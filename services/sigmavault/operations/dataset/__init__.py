"""Datasets: filesystems and volumes in a pool."""
