"""Scripts that need more than a shell."""
