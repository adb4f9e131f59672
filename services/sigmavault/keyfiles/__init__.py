"""Before ZFS mounts at boot: the keys that lie in files of this machine are loaded. See README.md."""
