"""Cells: every number of the table has one address, and every way of writing it means that number."""

from __future__ import annotations

import pytest

from gradcli.autodiff import Gradients
from gradcli.cells import identifier, list_cells, resolve
from gradcli.errors import Status, UnknownCell
from gradcli.graph import Builder
from gradcli.ops import TABLE
from gradcli.syntax import parse


def at(text: str, **values: float) -> Gradients:
    """The gradients of an expression at a point."""
    return parse(text, given=values).forward(values).backward()


LECTURE = at("q = x+y; f = q*z", x=-2, y=5, z=-4)  # CS231n, Optimization 2
NEURON = at("1/(1+exp(-(w0*x0+w1*x1+w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
FAN = at("(x+y)*(x+y) + x*x", x=2, y=3)  # equal text is two nodes: n1 and n2
CLASH = at("grad_x*x + a_b*c + a*b_c", x=2, grad_x=5, a_b=1, c=2, a=3, b_c=4)
GREEK = at("θ*π", θ=2)
CHOICE = at("where(x > 0, x, y) * (2*3)", x=2, y=3)
VALUE = at("value*local", value=2, local=3)
LOSS = at("L = (p - t)^2", p=3, t=1)
TWICE = at("dx*x", dx=3, x=2)
SHADOW = at("dx = a - b; dx*x", a=3, b=1, x=5)
GATES = at("g(a) = a*a; h(a) = g(a) + 1; h(x)*g(y)*leaky_relu(-x, slope=0.5)", x=2, y=3)
POWERS = at("x1^2 + 0.5*x1", x1=3)
SAME = at("q = x; q*q", x=3)

MEANT = [
    # by name
    (LECTURE, "value", "value", -12),
    (LECTURE, "value.f", "value", -12),
    (LECTURE, "value.q", "value.q", 3),
    (LECTURE, "value.x", "value.x", -2),
    (LECTURE, "grad.f", "grad.f", 1),
    (LECTURE, "grad.q", "grad.q", -4),
    (LECTURE, " grad . q ", "grad.q", -4),
    (LECTURE, "local.q.x", "local.q.x", 1),
    (LECTURE, "down.q.x", "down.q.x", -4),
    (LECTURE, "local.f.z", "local.f.z", 3),
    # the gradient, as people write it
    (LECTURE, "x", "grad.x", -4),
    (LECTURE, "dx", "grad.x", -4),
    (LECTURE, "dq", "grad.q", -4),
    (LECTURE, "df/dz", "grad.z", 3),
    (LECTURE, "∂f/∂z", "grad.z", 3),
    (LECTURE, "∂f / ∂q", "grad.q", -4),
    (LECTURE, "df/d(x+y)", "grad.q", -4),
    (LOSS, "dL/dp", "grad.p", 4),
    (LOSS, "df/dp", "grad.p", 4),  # f is the output while nothing else is called so
    # unless a variable has that name
    (TWICE, "dx", "grad.dx", 2),
    (TWICE, "df/dx", "grad.x", 3),
    (TWICE, "ddx", "grad.dx", 2),
    (VALUE, "value", "value", 6),
    (VALUE, "grad.value", "grad.value", 3),
    (VALUE, "value.value", "value.value", 2),
    (VALUE, "local", "grad.local", 2),
    # numbered nodes, and a second edge between the same two
    (FAN, "value.n3", "value.n3", 25),
    (FAN, "local.n4.x", "local.n4.x", 2),
    (FAN, "local.n4.x#1", "local.n4.x", 2),
    (FAN, "local.n4.x#2", "local.n4.x#2", 2),
    (FAN, "local.n4.x #2", "local.n4.x#2", 2),
    # as written: by structure, through names, brackets and white space
    (LECTURE, "value.(q*z)", "value", -12),
    (LECTURE, "value.((x+y)*z)", "value", -12),
    (LECTURE, "grad.( (x) + y )", "grad.q", -4),
    (LECTURE, "grad.(q)", "grad.q", -4),
    (LECTURE, "local.(q*z).(x+y)", "local.f.q", -4),
    (LECTURE, "local.(x+y).x", "local.q.x", 1),
    (NEURON, "value.(w0*x0+w1*x1)", "value.n3", 4),
    (NEURON, "value.(w0*x0)", "value.n1", -2),
    (NEURON, "local.(w0*x0).w0", "local.n1.w0", -1),
    (NEURON, "value.(n1 + n2)", "value.n3", 4),
    (FAN, "local.(x*x).x#2", "local.n4.x#2", 2),
    (FAN, "local.n3.n2", "local.n3.n2", 5),
    (GATES, "value.(h(x))", "value.n1", 5),
    (GATES, "value.(leaky_relu(-x, slope=0.5))", "value.n5", -1),
    (GATES, "value.(leaky_relu(-x,slope=.50))", "value.n5", -1),
    (POWERS, "value.(x1²)", "value.n1", 9),
    (POWERS, "value.(x₁^2)", "value.n1", 9),
    (POWERS, "value.(.5*x1)", "value.n2", 1.5),
    (SAME, "grad.q", "grad.q", 6),
    (SAME, "value.(q*q)", "value", 9),
    (SAME, "value.(x*x)", "value", 9),
    # a text that occurs more than once: the same value, the sum of the gradients, as --share has it
    (FAN, "value.(x+y)", "value.(x+y)", 5),
    (FAN, "grad.(x+y)", "grad.(x+y)", 10),
    (FAN, "value.((x+y)*(x+y))", "value.n3", 25),
    # "_" for "."
    (LECTURE, "grad_x", "grad.x", -4),
    (LECTURE, "value_q", "value.q", 3),
    (LECTURE, "value_f", "value", -12),
    (LECTURE, "local_q_x", "local.q.x", 1),
    (LECTURE, "down_f_z", "down.f.z", 3),
    (FAN, "local_n4_x", "local.n4.x", 2),
    (FAN, "local_n4_x_2", "local.n4.x#2", 2),
    (CLASH, "grad_grad_x", "grad.grad_x", 2),
    (CLASH, "local_n2_a_b", "local.n2.a_b", 2),
    # names as the parser knows them
    (GREEK, "grad.θ", "grad.θ", 3.141592653589793),
    (GREEK, "dθ", "grad.θ", 3.141592653589793),
    (POWERS, "grad.x₁", "grad.x1", 6.5),
    # the branch not taken, and what the output does not use
    (CHOICE, "grad.y", "grad.y", 0),
    (CHOICE, "local.n2.y", "local.n2.y", 0),
    (CHOICE, "down.n2.y", "down.n2.y", 0),
    (CHOICE, "value.(2*3)", "value.n3", 6),
    (at("c = x*y; x", x=2, y=3), "grad.c", "grad.c", 0),
    (at("c = x*y; x", x=2, y=3), "grad.y", "grad.y", 0),
    (at("c = 2*3; x", x=2), "grad.c", "grad.c", 0),
]


@pytest.mark.parametrize(("gradients", "address", "canonical", "value"), MEANT, ids=[row[1] for row in MEANT])
def test_an_address_means_one_number(gradients: Gradients, address: str, canonical: str, value: float) -> None:
    """Each spelling gives the canonical address and the number worked out by hand."""
    cell = resolve(address, gradients)
    assert cell[:3] == (canonical, pytest.approx(value, rel=1e-14), canonical.partition(".")[0])


REFUSED = [
    (LECTURE, "q", "'q' is a node: which cell of it?", "write value.q (forward) or grad.q (its gradient)"),
    (LECTURE, "f", "'f' is the output: which cell of it?", "its value is 'value', its gradient 'grad.f'"),
    (LECTURE, "grda.x", "'grda.x' is no cell", "did you mean grad.x?"),
    (LECTURE, "x.grad", "'x.grad' is no cell", "did you mean grad.x?"),
    (LECTURE, "grad(x)", "'grad(x)' is no cell", "did you mean grad.x?"),
    (LECTURE, "x.y", "'x.y' is no cell", "cells are value"),
    (LECTURE, "(x+y)", "'(x+y)' is no cell", "value.(x+y), grad.(x+y)"),
    (LECTURE, "vlaue", "no cell 'vlaue'", "did you mean value"),
    (LECTURE, "grad.w", "no node 'w' in the graph", "nodes: x, y, z, q, f"),
    (NEURON, "grad.wo", "no node 'wo' in the graph", "did you mean w"),
    (LECTURE, "grad_w", "no cell 'grad_w'", "did you mean grad_"),
    (LECTURE, "x+y", "'x+y' is no cell", "value.(x+y), grad.(x+y)"),
    (LECTURE, "grad.x+y", "'x+y' is no name", "stands in brackets: (x+y)"),
    (LECTURE, "", "the address is empty", "cells are value"),
    (LECTURE, "grad.", "'grad.' is no cell", "grad.NODE"),
    (LECTURE, "grad.q.x", "'grad.q.x' is no cell", "grad.NODE"),
    (
        LECTURE,
        "local.q",
        "'local.q' is no cell",
        "local.CHILD.PARENT: local.q.x, local.q.y, local.f.q, local.f.z",
    ),
    (LECTURE, "local.f.x", "no edge from 'x' to 'f'", "edges into f: local.f.q, local.f.z"),
    (LECTURE, "local.q.x#2", "there is one edge from 'x' to 'q', not 2", "write local.q.x"),
    (FAN, "local.n4.x#3", "there are 2 edges from 'x' to 'n4', not 3", "write local.n4.x"),
    (LECTURE, "dL/dx", "no node 'L' in the graph", "the output is f: write df/dx"),
    (LECTURE, "dq/dx", "'q' is not the output, and only the output's gradients are cells", "local.q.x"),
    (
        at("f*x", f=2, x=3),
        "df/dx",
        "'f' is not the output, and only the output's gradients are cells",
        "dn1/dx",
    ),
    (SHADOW, "dx", "'dx' is a node: which cell of it?", "grad.dx"),
    (LECTURE, "grad.(x*y)", "'x*y' is no node of the graph", "nodes: x, y, z, q, f"),
    (LECTURE, "grad.(x+y", "the brackets of '(x+y' do not match", "a node as written: grad.(w0*x0)"),
    (FAN, "local.(x+y).x", "'local.(x+y).x' means 2 edges", "write local.n1.x or local.n2.x"),
    (FAN, "down.n3.(x+y)", "'down.n3.(x+y)' means 2 edges", "write down.n3.n1 or down.n3.n2"),
    (CLASH, "grad_x", "'grad_x' has 2 meanings", "write grad.grad_x or grad.x"),
    (GREEK, "grad.pi", "pi is a number here, and numbers have no cells", "--pi=…"),
    (GREEK, "dπ", "pi is a number here, and numbers have no cells", "--pi=…"),
    (FAN, "grad.7", "7 is a number, and numbers have no cells", "cells are"),
    (CHOICE, "grad.(2*3)", "no gradient is computed for 'n3': it depends on no input", "make it a variable"),
    (CHOICE, "local.n2.n1", "no gradient flows along this edge: where has no gradient in 'n1'", "local.n2.x"),
    (
        CHOICE,
        "local.f.n3",
        "no gradient flows along this edge: 'n3' depends on no input",
        "edges into f: local.f.n2",
    ),
    (
        NEURON,
        "local.n7.(1)",
        "no gradient flows along this edge: 1 is a number",
        "edges into n7: local.n7.n6",
    ),
    (at("c = x*y; x", x=2, y=3), "local.c.x", "the output does not use 'c'", "no gradient leaves c"),
    (at("where(x>0, 2*x, 3*x)", x=1), "local.(3*x).x", "none arrives at 'n3'", "no gradient leaves n3"),
]


@pytest.mark.parametrize(
    ("gradients", "address", "message", "hint"), REFUSED, ids=[row[1] or "empty" for row in REFUSED]
)
def test_an_address_of_no_cell_is_refused_with_advice(
    gradients: Gradients, address: str, message: str, hint: str
) -> None:
    """The message says what is wrong and the hint what there is, or what was meant; never a guess."""
    with pytest.raises(UnknownCell) as caught:
        resolve(address, gradients)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.status == Status.USAGE


@pytest.mark.parametrize(
    ("address", "span"),
    [
        ("grad.(x*w)", (8, 9)),
        ("local.q.(x+)", (11, 12)),
        ("grad.(x*θx)", (8, 10)),
        ("value.(sgimoid(x))", (7, 14)),
        ("value.(p = x+y)", (7, 10)),
        ("grad.(x;y)", (5, 6)),
    ],
)
def test_an_error_inside_a_node_as_written_is_pointed_at(address: str, span: tuple[int, int]) -> None:
    """The caret of a syntax error stands under its place in the address."""
    with pytest.raises(UnknownCell) as caught:
        resolve(address, LECTURE)
    assert (caught.value.source, caught.value.span) == (address, span)


def test_a_text_written_twice_tells_its_nodes() -> None:
    """The gradient of x*x in x*x + x*x is the sum of two nodes', and the cell says which."""
    gradients = at("x*x+x*x", x=2)
    cell = resolve("grad.(x*x)", gradients)
    assert (cell.value, cell.occurrences) == (2, ("n1", "n2"))
    assert resolve("grad.n1", gradients).occurrences == ()


def test_cells_come_in_canonical_order() -> None:
    """The output, the inputs' gradients, the nodes between, the edges; no values that the user gave."""
    assert [cell.address for cell in list_cells(LECTURE)] == [
        *("value", "grad.x", "grad.y", "grad.z", "value.q", "grad.q"),
        *("local.q.x", "down.q.x", "local.q.y", "down.q.y", "local.f.q", "down.f.q", "local.f.z", "down.f.z"),
    ]


def test_the_gradients_asked_for_come_alone_and_once() -> None:
    """With names to differentiate by, other inputs' gradients are left out, and a node's is not repeated."""
    addresses = [cell.address for cell in list_cells(LECTURE, ["z", "q"]) if cell.kind in ("value", "grad")]
    assert addresses == ["value", "grad.z", "grad.q", "value.q"]


@pytest.mark.parametrize("gradients", [LECTURE, NEURON, FAN, CLASH, CHOICE, GATES, VALUE, SAME])
def test_every_listed_cell_resolves_to_itself(gradients: Gradients) -> None:
    """An address that is printed can be asked for, and gives the number printed beside it."""
    cells = list(list_cells(gradients))
    assert len({cell.address for cell in cells}) == len(cells)
    for cell in cells:
        assert resolve(cell.address, gradients) == cell


@pytest.mark.parametrize("gradients", [LECTURE, NEURON, FAN, GATES])
def test_every_cell_has_a_name_for_identifiers(gradients: Gradients) -> None:
    """`_` for `.` names the same cell, where nothing else bears the name."""
    for cell in list_cells(gradients):
        assert identifier(cell.address).isidentifier()
        assert resolve(identifier(cell.address), gradients) == cell


@pytest.mark.parametrize("gradients", [LECTURE, NEURON, FAN, CHOICE, GATES, SAME])
def test_a_gradient_is_the_sum_of_what_its_edges_pass_down(gradients: Gradients) -> None:
    """The chain rule: grad.x is the sum of down.*.x; and each down is local × the child's grad."""
    for i in gradients.graph.shown:
        name = gradients.graph.names[i]
        if i == gradients.graph.output or gradients.adjoints[i] is None:
            continue
        passed = [edge for edge in gradients.edges() if edge.parent == i]
        total = sum(resolve(f"down.{edge_place(edge)}", gradients).value for edge in passed)
        assert resolve(f"grad.{name}", gradients).value == pytest.approx(total, rel=1e-14)


def edge_place(edge: object) -> str:
    """`q.x#2`, worked out apart from the code under test."""
    graph = edge.gradients.graph  # type: ignore[attr-defined]
    parents = graph.parents[edge.child]  # type: ignore[attr-defined]
    earlier = sum(p == edge.parent for p in parents[: edge.k])  # type: ignore[attr-defined]
    place = f"{graph.names[edge.child]}.{graph.names[edge.parent]}"  # type: ignore[attr-defined]
    return place if not earlier else f"{place}#{earlier + 1}"


def test_selected_nan_does_not_leak_into_the_branch_not_taken() -> None:
    """Where the child chooses another input, local and down are 0 even beside an infinite gradient."""
    gradients = at("sqrt(where(x > 0, y, x))", x=0, y=2)
    assert resolve("down.n2.y", gradients).value == 0
    assert resolve("grad.x", gradients).value == float("inf")


def test_a_shared_node_is_the_sum_that_as_written_gives() -> None:
    """grad.(x+y) over two equal nodes is the gradient of the one node that --share makes of them."""
    graph = parse("(x+y)*(x+y) + x*x", share=True)
    shared = graph.forward(x=2, y=3).backward()
    assert resolve("grad.(x+y)", shared).value == resolve("grad.(x+y)", FAN).value == 10


def test_depth_costs_nothing() -> None:
    """A node as written is found 100 000 deep, and an address of 100 000 brackets is read."""
    builder = Builder()
    node = builder.input("x")
    for _ in range(100_000):
        node = builder.add(TABLE["neg"], (node,))
    gradients = builder.finish(node).forward(x=2.0).backward()
    assert resolve("value.(-(-x))", gradients).value == 2
    assert resolve("value.(" + "-(" * 1000 + "x" + ")" * 1000 + ")", gradients).address == "value.n1000"
    with pytest.raises(UnknownCell):
        resolve("value." + "(" * 100_000, gradients)
