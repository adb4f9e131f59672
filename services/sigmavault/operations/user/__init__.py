"""The users of the NAS, with their passwords for shares."""
