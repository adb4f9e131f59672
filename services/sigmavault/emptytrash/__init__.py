"""Every hour: what is due in the trash is destroyed, by the host daemon. See README.md."""
