"""Groups of users of the NAS."""
