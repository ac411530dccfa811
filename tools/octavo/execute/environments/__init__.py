"""Locks → isolated interpreters."""
