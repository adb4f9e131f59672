"""The services of a NAS: those of a fixed list, and no others."""
