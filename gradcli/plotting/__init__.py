"""Curves and fields as pure data: values and derivatives along ranges, kinks, poles, tangents, saturation.

axes       what is varied, from where to where
sampling   a function and its derivatives at any points, by the engine
breaks     where a line must not be joined: kinks, jumps, poles, ends of the domain
curves     a function of one variable          fields     a function of two
slopes     where the gradient is largest, and where it vanishes
sentences  all of this in words
"""
