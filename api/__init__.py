"""Where the engine and the database meet, and where the world comes in."""
