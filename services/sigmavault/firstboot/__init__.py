"""What a machine needs of its own before anything listens; made once, by sigmavault-firstboot.service."""
