"""Before Samba and NFS start: their files follow what is mounted at this boot. See README.md."""
