"""Engines: one formula, many points. Each runs the same code, written from the op table in its own language."""
