"""The people of the shop, played by models."""
