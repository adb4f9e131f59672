"""Shares of files over SMB and NFS."""
