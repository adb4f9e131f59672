"""Disks, pools, datasets and snapshots: values, parsing, decisions. Pure."""
