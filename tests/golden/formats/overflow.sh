value=0
grad_x=nan
