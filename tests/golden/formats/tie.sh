value=2
grad_x=0.5
grad_y=0.5
