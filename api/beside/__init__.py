"""Long work beside the event loop, which must not hold it up."""
