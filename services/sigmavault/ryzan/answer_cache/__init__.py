"""Answers that are given again: kept in Qdrant Edge by a process of its own."""
