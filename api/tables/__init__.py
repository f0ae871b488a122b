"""Judgments and gold out of files, consensus and reputations into files."""
