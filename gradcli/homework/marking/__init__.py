"""Marking a class."""
