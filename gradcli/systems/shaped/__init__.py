"""The code system over tensors whose shapes are known: elements, what moves them, what adds them up, both passes."""
