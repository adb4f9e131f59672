"""The model downloads: `org.sigmavault.Models`."""
