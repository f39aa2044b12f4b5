"""State that lives longer than a run: one object per customer, one per order."""
