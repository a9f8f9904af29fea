"""Which mistake leads to an answer: the table of misconceptions, and the search through it."""
