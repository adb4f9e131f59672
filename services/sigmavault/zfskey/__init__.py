"""A key of one's own for the ZFS module, where Secure Boot wants one."""
