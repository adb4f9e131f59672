"""Files that stand for disks and pools."""
