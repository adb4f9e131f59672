"""Jobs: plans that are being applied, or were."""
