"""A class to be marked, with the mistakes people make: `classes.py FOLDER STUDENTS` writes hw.toml and class.csv."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from random import Random

ASSIGNMENT = """
schema = "gradcli.assignment/1"
title = "HW"
carry = 0.5
seed = 7

[[problem]]
id = "1"
expr = "q = x + y; f = q*z"
at = { x = -2, y = 5, z = -4 }
cells = { "value" = 1, "value.q" = 1, "local.q.x" = 1, "dq" = 2, "dx" = 2, "dy" = 2, "dz" = 2 }

[[problem]]
id = "2"
expr = "s = apple*n + orange*m; f = s*tax"
draw = { apple = [80, 120], n = [2, 5], orange = [100, 200], m = [2, 5], tax = 1.1 }
cells = { "value" = 1, "value.s" = 1, "ds" = 2, "dtax" = 2, "dapple" = 2, "dorange" = 2 }

[[problem]]
id = "3"
expr = "f = 1/(1+exp(-(w0*x0+w1*x1+w2)))"
at = { w0 = 2, x0 = -1, w1 = -3, x1 = -2, w2 = -3 }
cells = { "value" = 1, "value.n1" = 1, "grad.n3" = 2, "dw0" = 2, "dx0" = 2, "dw1" = 2, "dx1" = 2, "dw2" = 2 }

[[problem]]
id = "4"
expr = "(x+y)*(x*y)"
draw = { x = [2, 6], y = [2, 6] }
cells = { "value" = 1, "dx" = 2, "dy" = 2 }

[[problem]]
id = "5"
expr = "h = max(0, a*b + c); l = (h - t)^2"
at = { a = 0.5, b = 3, c = -1, t = 2 }
cells = { "value" = 1, "value.h" = 1, "dh" = 2, "da" = 2, "db" = 2, "dt" = 2 }
"""

SLIPS = (lambda right: -right, lambda right: 2 * right, lambda right: right + 1, lambda right: right / 2)


def write(folder: Path, students: int) -> None:
    """The assignment, and the answers of a class: every fourth answer that is not 0 may go wrong."""
    from gradcli.cells import resolve
    from gradcli.homework.files.assignment import load
    from gradcli.homework.files.choosing import values

    random = Random(7)  # noqa: S311 - the same class every time
    (folder / "hw.toml").write_text(ASSIGNMENT, encoding="utf-8")
    assignment = load(str(folder / "hw.toml"))
    shared = {problem.id: problem.gradients(problem.at) for problem in assignment.problems if not problem.draw}
    heads = [f"{problem.id}:{cell}" for problem in assignment.problems for cell in problem.cells]
    with (folder / "class.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "name", *heads])
        for number in range(students):
            student, row = f"2026-{number:05}", []
            careless = random.random() < 0.5
            for problem in assignment.problems:
                gradients = shared.get(problem.id) or problem.gradients(values(problem, assignment, student))
                for cell in problem.cells:
                    right = resolve(cell, gradients).value
                    chance = random.random()
                    if careless and chance < 0.25:
                        right = random.choice(SLIPS)(right)
                    text = f"{right:.6g}" if chance < 0.9 else f"{right:.2f}"
                    row.append("" if careless and chance > 0.97 else text)
            writer.writerow([student, f"Student {number}", *row])


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
