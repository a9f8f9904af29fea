value=-12
grad_x=-4
grad_y=-4
grad_z=3
value_q=3
grad_q=-4
