"""Languages that code is written in, as data: one Dialect a file."""
