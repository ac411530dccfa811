"""Editions → runs: what decides freshness, where results live, and how kernels are driven."""
