"""Saved cells → the importable library of each framework."""
