"""Right digits of formulas of tensors: at benign points every cell has them, whichever gradients are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.syntax import parse
from gradcli.verify.proof import prove

POINT: dict[str, Any] = {
    "s": 1.3,
    "v": [0.7, -1.3, 2.0],
    "u": [0.5, 1.5, 0.9],
    "p": [0.2, 0.5, 0.3],
    "b": [0.1, -0.4],
    "k": [2.0, 0.0],
    "c": [[0.5], [1.5]],
    "A": [[1.0, 2.0], [3.0, 5.0]],
    "x": [[0.3, 2.0, -1.0], [1.5, 0.5, 0.25]],
    "y": [[1.0, -0.5, 0.75], [0.2, 1.1, -0.6]],
    "W": [[0.2, -0.5, 1.0], [0.4, 0.3, -0.7]],
    "q": [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]],
}

FORMULAS = """
h=W@v; sum(h)
h=W@v; sum(h^2)
h=v; g=h; sum(h*g)
h=x.T; g=h.T; sum(g*x)
h=sigmoid(affine(x,W.T,b)); sum(h*h)
v[0]
v[-1]*v[0]
x[1,2]+x[0,0]
sum(x[0])
sum(x[0]*x[1])
sum(x[:,1])
x[:,0:2]@A
sum(v[0:2]*v[1:3])
-log(exp(v[1])/sum(exp(v)))
sum(v[1:2])*v
sum(v[1:2],axis=0)
max(v[1:2])*v
c.T@A@c
x.T@x
sum(x.T*W.T)
sum(x.T.T*x)
A.T
A@A.T@A
outer(v,u)
dot(v,u)*dot(v,v)
trace(A)
trace(A@A.T)
reshape(x,3,2)@A
sum(reshape(x,-1)[1:4]^2)
concat(v,u)
sum(concat(v,u,v)^2)
[s,v[0],2]
sum([s,s*s,v[1]]^2)
[v,u]@W.T
sum(x+v)
sum((x+c)/s)
x*c*v
mean(x)
mean(s)*s
sum(s)+norm(s)+max(s)+mean(s)
mean(x,axis=0)
mean(x,axis=-1,keepdims=1)*x
sum(x,axis=0)
max(x,axis=1)
min(x)
max(v,u)
prod(v)
prod(x,axis=0)
norm(v)*s
norm(x,axis=-1)
softmax(v)
softmax(x)[0,1]
log_softmax(x)
logsumexp(x)
affine(x,W.T,b)
softmax_cross_entropy(x,k)
softmax_cross_entropy(x,q)
softmax_cross_entropy(v,p)
svm_loss(y,k)
binary_cross_entropy(q,q)
mse(x,y)
mse(v,u)+mse(v,u)
relu(x)@v
maxout(v,u)
sum(p*log(p))
sum(where(x<0.4,x^2,exp(x)))
abs(x)*sign(y)
sum(sign(x)*x)
f(a)=a; sum(f(v)*v)
f(a)=a.T; f(x)@x
f(a)=a[0]; f(v)*f(u)
f(a)=mean(a); f(v)*v
f(a)=[exp(a),exp(a)*2]; sum(f(s)*f(s))
f(a,w)=a@w+tanh(a)@w; f(x,v)
"""


@pytest.mark.parametrize("text", FORMULAS.strip().splitlines())
def test_no_digit_is_called_lost_where_none_is(text: str) -> None:
    """All gradients, the variables' alone, or any node's alone: proved to 12 digits at least, and nothing is warned."""
    graph = parse(text)
    trace = graph.forward({name: POINT[name] for name in graph.inputs})
    shape = trace.shapes[graph.output]
    found = trace.backward(np.random.default_rng(1).normal(size=shape) if shape else None)
    nodes = [[name] for i, name in enumerate(graph.names) if name and graph.used[i] and graph.varied[i]]
    for asked in (None, list(graph.inputs), *nodes):
        verdict = prove(found, wrt=asked)
        assert verdict.status == "passed", (asked, *verdict.failures, *verdict.unproved)
        assert verdict.digits is not None and verdict.digits >= 12, asked
        assert not verdict.warnings and not verdict.lost and not verdict.uncounted, asked
        assert verdict.others is not None and verdict.others >= 12, asked


def test_a_digit_that_is_lost_is_told_of_the_node_that_lost_it() -> None:
    """Behind an index too, the cell that loses its digits is named, and the cells beside it are not."""
    trace = parse("h=1-cos(v[0]); h*v[1]").forward(v=[1e-8, 2.0])
    verdict = prove(trace.backward())
    assert verdict.status == "passed"
    assert dict(verdict.lost) == {"value": 0, "grad.v[1]": 0, "grad.n3": 0}
    assert verdict.others == 15
    assert dict(prove(trace.backward(), wrt=["h"]).lost) == {"value": 0}
