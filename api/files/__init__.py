"""Files of judgments: read as data sets, made consensus of, and written."""
