"""What is wrong with a policy, or with the gold there is, for a project."""
