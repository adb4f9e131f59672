"""A machine for development that is not there: disks and pools out of a YAML file. See README.md."""
