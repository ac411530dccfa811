"""What this machine has, and who holds which part of it."""
