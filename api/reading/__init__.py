"""What is read of a project's memory and log: views, feeds and queues, numbers put into words."""
