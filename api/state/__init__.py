"""What a memory consists of: books, tables and directories of one project, each of one subject."""
