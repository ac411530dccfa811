"""Pages edited as notebooks: text → notebook of one framework, and back without changing a byte that nobody edited."""
