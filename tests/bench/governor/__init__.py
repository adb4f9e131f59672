"""`make bench-governor`: file serving of the booted disk image while the model computes."""
