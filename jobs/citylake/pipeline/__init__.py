"""The steps in order: what every verb gets and does."""
