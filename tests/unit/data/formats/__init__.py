"""Named formats."""
