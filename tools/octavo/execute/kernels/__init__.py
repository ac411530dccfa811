"""One edition → one run: starting, watching and ending kernels, and making what they send repeat."""
