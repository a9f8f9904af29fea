"""Worksheets to be filled in."""
