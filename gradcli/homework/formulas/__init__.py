"""Formulas as answers: decided in balls at many points, proved by sympy where it can."""
