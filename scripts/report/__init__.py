"""What lies beside an image: package list, SBOM, sizes, checksum, build log."""
