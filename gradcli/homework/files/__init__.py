"""Assignments, rosters, and what students hand in."""
