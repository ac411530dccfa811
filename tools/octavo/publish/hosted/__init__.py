"""Notebooks as hosts run them: with what they need installed first, and whole wherever they are opened."""
