"""One formula over the rows of a table: value, gradients and what is wrong, a line each.

text ─tables→ blocks of rows ─engine→ results ─tables→ text. Blocks bound the memory; rows keep their order.
"""
