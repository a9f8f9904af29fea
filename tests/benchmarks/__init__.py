"""The figures that gradcli promises, each with its peer in the same run: `python -m tests.benchmarks`.

Not tests: a timed test would flake. An installed gradcli is measured, best from a wheel with compiled
bytecode; where none is installed, this working tree. Whole processes are timed by the clock, beside their
peer; work inside a process by its CPU seconds, which other processes disturb less. Linear algebra runs on one thread.
"""
