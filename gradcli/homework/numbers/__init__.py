"""Numbers and lists as answers: read as typed, and compared by the digits that count."""
