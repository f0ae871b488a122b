"""SQL and the server it runs on. Imports nothing of ours and reads no environment."""
