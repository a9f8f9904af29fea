"""A formula's value and gradients as code that stands alone, in another language: one file a target."""
