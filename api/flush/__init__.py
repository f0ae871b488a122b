"""A flush of the write path: what waits for it, its plan, and what follows from its commit."""
