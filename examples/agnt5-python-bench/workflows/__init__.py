"""The shop's work, step by step."""
