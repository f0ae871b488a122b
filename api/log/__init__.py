"""Memory from the log and back: intervals, snapshots, history, and tables that follow."""
