"""Homework: is an answer right, and if not, which mistake leads to it?

    answers ─reading→ Given ─┐
    Gradients ───────────────┼─checking→ Checked ─render→ screen, feedback, marks
    misconceptions ─sweeps───┘

Everything that is compared with an answer is read off a backward pass: the right one, one with rounded steps, one that
goes on from the student's own earlier numbers, one with a misconception built in (sweeps.py).
"""
