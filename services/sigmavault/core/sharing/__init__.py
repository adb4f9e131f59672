"""Shares of files, and the configuration of Samba and NFS that follows. Pure; see README.md."""
